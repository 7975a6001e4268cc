"""The walk of a sent transfer to its delivery, one pure step after another (domain.transfers.next_state).

Asked after whatever may let it go on: it was sent, a file has a verdict, an approver has decided, the hold is over.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import recipients, transfers
from kozutumi_app.domain import transfers as rules
from kozutumi_app.domain.transfers import Standing, TransferState
from kozutumi_app.services import Services
from kozutumi_app.use_cases import answers, approval_calls, audit, jobs, policies, readability, rescan, sender_notices

KIND: Final = "release"


def advance(tx: Connection, services: Services, transfer_id: str) -> None:
    """Take every step that is due; tell the sender when a file was refused. Does nothing for a transfer that waits."""
    row = _row(tx, transfer_id)
    if row is None:
        return
    if row.request_id is not None:
        answers.advance(tx, services, row)
        return
    if row.state in rules.BEFORE_DELIVERY and rules.is_blocked(readability.file_states(tx, services, transfer_id)):
        jobs.enqueue(tx, "mail", f"problem:{transfer_id}", services.clock.now())
        return
    while row is not None:
        now = services.clock.now()
        step = rules.next_state(_standing(tx, services, row), now)
        if step is None:
            _ask_anew_if_changed(tx, services, row, now)
            return
        if step is TransferState.DELIVERED and not rescan.require_current(tx, services, transfer_id):
            return  # its files are looked at again by newer signatures, and this is asked again with their verdicts
        _ENTER[step](tx, services, row, now)
        row = _row(tx, transfer_id)


def release(services: Services, transfer_id: str) -> None:
    """Worker of job `release`: deliver what was held, if it still is; come back when its time is not over."""
    with services.database.write() as tx:
        row = _row(tx, transfer_id)
        if row is None or row.state != TransferState.HELD:
            return
        if row.held_until is not None and services.clock.now() < row.held_until:
            jobs.enqueue(tx, KIND, transfer_id, row.held_until)
            return
        advance(tx, services, transfer_id)


def set_state(tx: Connection, transfer_id: str, state: TransferState, **others: object) -> None:
    tx.execute(sa.update(transfers).where(transfers.c.id == transfer_id).values(state=state.value, **others))


def _row(tx: Connection, transfer_id: str) -> Any:
    return tx.execute(sa.select(transfers).where(transfers.c.id == transfer_id)).one_or_none()


def _standing(tx: Connection, services: Services, row: Any) -> Standing:
    return Standing(
        state=row.state,
        file_states=readability.file_states(tx, services, row.id),
        needs_approval=approval_calls.is_needed(tx, services, row),
        approved=approval_calls.is_given(tx, services, row),
        holds=_hold_seconds(tx, services, row) > 0,
        held_until=row.held_until,
    )


def _hold_seconds(tx: Connection, services: Services, row: Any) -> int:
    """What the policy asks for, and what the sender added to it."""
    return policies.effective(tx, services, row.sender_id).hold_for + int(row.hold_for or 0)


def _ask_anew_if_changed(tx: Connection, services: Services, row: Any, now: datetime) -> None:
    """Approvers agree to what they saw: a transfer that was changed since asks them again."""
    if row.state != TransferState.AWAITING_APPROVAL:
        return
    request = approval_calls.last(tx, row.id)
    if request is not None and request.content != approval_calls.content(tx, services, row):
        _ask(tx, services, row, now)


def _ask(tx: Connection, services: Services, row: Any, now: datetime) -> None:
    lapses = approval_calls.ask(tx, services, row, now)
    gives_up = lapses + approval_calls.GRACE
    set_state(tx, row.id, TransferState.AWAITING_APPROVAL, expires_at=gives_up)


def _hold(tx: Connection, services: Services, row: Any, now: datetime) -> None:
    until = now + timedelta(seconds=_hold_seconds(tx, services, row))
    gives_up = until + timedelta(seconds=row.lifetime)  # a short life must not end what is only held
    set_state(tx, row.id, TransferState.HELD, held_until=until, expires_at=gives_up)
    jobs.enqueue(tx, KIND, row.id, until)
    _record(tx, services, "transfer.held", row.id, {"until": audit.format_time(until)})


def _deliver(tx: Connection, services: Services, row: Any, now: datetime) -> None:
    expires_at = now + timedelta(seconds=row.lifetime)
    set_state(tx, row.id, TransferState.DELIVERED, delivered_at=now, expires_at=expires_at)
    jobs.enqueue(tx, "expire", row.id, expires_at)
    for recipient_id in tx.execute(sa.select(recipients.c.id).where(recipients.c.transfer_id == row.id)).scalars():
        jobs.enqueue(tx, "mail", f"delivery:{recipient_id}", now)
    sender_notices.delivered(tx, row.id)
    _record(tx, services, "transfer.delivered", row.id)


_ENTER: Final[dict[TransferState, Callable[[Connection, Services, Any, datetime], None]]] = {
    TransferState.AWAITING_APPROVAL: _ask,
    TransferState.HELD: _hold,
    TransferState.DELIVERED: _deliver,
}


def _record(
    tx: Connection, services: Services, type: str, transfer_id: str, details: dict[str, str] | None = None
) -> None:
    audit.append(tx, services, type=type, actor_id=audit.SYSTEM, object_id=transfer_id, details=details)
