"""Changes of the Organization's manifest that would let the provider in: nothing happens until an administrator agrees.

The operator tells the app of each (port 9443) and goes on with the old values until the state is `confirmed`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import changes
from kozutumi_app.errors import ChangeClosed, NotFound
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit
from kozutumi_app.use_cases.accounts import require_administrator
from kozutumi_app.use_cases.sessions import SignedIn

OPERATOR: Final = "operator"
_SHOWN: Final = 50


class State(StrEnum):
    PENDING = "pending"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"  # the manifest no longer asks for it
    GRANTED = "granted"  # an approved AccessGrant named it


@dataclass(frozen=True, slots=True)
class Change:
    """`kind` is the field of the Organization, `summary` its old and new value as the operator shows them."""

    id: str
    kind: str
    summary: str
    state: State
    created_at: datetime
    decided_at: datetime | None
    decided_by: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """What the operator says of a change: that it waits, that it waits no longer, or that the grant `by` let it through."""

    id: str
    kind: str
    summary: str
    outcome: State = State.PENDING
    by: str = ""


def tell(services: Services, told: Told) -> State:
    """Take note of a change; returns its state. Saying the same again changes nothing.

    A field has one open change: a newer one takes the place of what was asked before. What was decided stays so;
    no grant goes over a refusal.
    """
    with services.database.write() as tx:
        state = _state(tx, told.id)
        if told.outcome is State.PENDING:
            return _ask(tx, services, told, state)
        closable = {State.PENDING} if told.outcome is State.WITHDRAWN else {None, State.PENDING, State.WITHDRAWN}
        if state not in closable:
            return state or State.WITHDRAWN
        if state is None:
            _insert(tx, services, told)
        _close(tx, services, told.id, told.outcome, OPERATOR, {"grant": told.by} if told.by else {})
        return told.outcome


def decide(services: Services, user: SignedIn, change_id: str, *, agree: bool) -> State:
    """Record an administrator's decision. A refused change may still be confirmed while it is asked for; nothing else is undone."""
    require_administrator(user)
    wanted = State.CONFIRMED if agree else State.REFUSED
    with services.database.write() as tx:
        state = _state(tx, change_id)
        if state is None:
            raise NotFound
        if state is wanted:
            return state
        if state is not State.PENDING and not (agree and state is State.REFUSED):
            raise ChangeClosed
        _close(tx, services, change_id, wanted, user.user_id, {})
    return wanted


def recent(services: Services) -> list[Change]:
    """Newest first; those that wait for a decision before all others."""
    waits = sa.case((changes.c.state == State.PENDING, 0), else_=1)
    query = sa.select(changes).order_by(waits, changes.c.created_at.desc(), changes.c.id).limit(_SHOWN)
    with services.database.read() as tx:
        return [_change(services, row) for row in tx.execute(query)]


def states(tx: Connection) -> dict[str, str]:
    """By id, the newest fifty."""
    query = sa.select(changes.c.id, changes.c.state).order_by(changes.c.created_at.desc()).limit(_SHOWN)
    return {row.id: row.state for row in tx.execute(query)}


def waiting(tx: Connection) -> int:
    """How many changes wait for a decision."""
    return tx.execute(sa.select(sa.func.count()).where(changes.c.state == State.PENDING)).scalar_one()


def _ask(tx: Connection, services: Services, told: Told, state: State | None) -> State:
    if state not in (None, State.WITHDRAWN):
        return state or State.PENDING
    older = sa.select(changes.c.id).where(changes.c.kind == told.kind, changes.c.state == State.PENDING)
    for change_id in tx.execute(older).scalars().all():
        _close(tx, services, change_id, State.WITHDRAWN, OPERATOR, {})
    if state is None:
        _insert(tx, services, told)
    else:
        reopened = {"state": State.PENDING, "decided_at": None, "decided_by": None}
        tx.execute(sa.update(changes).where(changes.c.id == told.id).values(reopened))
    details = {"kind": told.kind, "summary": told.summary}
    audit.append(tx, services, type="change.requested", actor_id=OPERATOR, object_id=told.id, details=details)
    return State.PENDING


def _insert(tx: Connection, services: Services, told: Told) -> None:
    values = {
        "id": told.id,
        "kind": told.kind,
        "summary_sealed": services.columns.seal("changes", "summary_sealed", told.id, told.summary),
        "state": State.PENDING,
        "created_at": services.clock.now(),
    }
    tx.execute(sa.insert(changes).values(values))


def _close(
    tx: Connection, services: Services, change_id: str, state: State, actor_id: str, details: dict[str, str]
) -> None:
    values = {"state": state, "decided_at": services.clock.now(), "decided_by": actor_id}
    tx.execute(sa.update(changes).where(changes.c.id == change_id).values(values))
    audit.append(
        tx,
        services,
        type=f"change.{state}",
        actor_id=actor_id,
        object_id=change_id,
        details={"change": change_id} | details,
    )


def _state(tx: Connection, change_id: str) -> State | None:
    found = tx.execute(sa.select(changes.c.state).where(changes.c.id == change_id)).scalar_one_or_none()
    return None if found is None else State(found)


def _change(services: Services, row: Any) -> Change:
    return Change(
        id=row.id,
        kind=row.kind,
        summary=services.columns.open("changes", "summary_sealed", row.id, row.summary_sealed),
        state=State(row.state),
        created_at=row.created_at,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
    )
