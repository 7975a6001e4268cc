"""The policy in force for a member, and what administrators state at each level (domain.policies has the rule)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import group_members, groups, policies, sessions, users
from kozutumi_app.domain import policy_documents
from kozutumi_app.domain.identifiers import new_id
from kozutumi_app.domain.networks import admits
from kozutumi_app.domain.policies import Scope
from kozutumi_app.errors import InvalidInput, KozutumiError, NotFound
from kozutumi_app.services import Services
from kozutumi_app.use_cases import approval_jobs, audit
from kozutumi_app.use_cases.accounts import require_administrator
from kozutumi_app.use_cases.policy_levels import OF_ALL, document_of, effective
from kozutumi_app.use_cases.sessions import SignedIn

__all__ = ["effective", "refused", "state", "stated"]


def stated(services: Services, actor: SignedIn, scope: Scope, subject_id: str = OF_ALL) -> dict[str, Any]:
    """Return what one level states, as it was written."""
    require_administrator(actor)
    with services.database.read() as tx:
        _require_subject(tx, scope, subject_id)
        row = _row(tx, scope, subject_id)
        return {} if row is None else document_of(services, row)


def state(
    services: Services,
    actor: SignedIn,
    scope: Scope,
    document: Mapping[str, Any],
    *,
    client: str,
    subject_id: str = OF_ALL,
) -> None:
    """Replace what one level states; an empty document states nothing. InvalidInput names what is wrong.

    Who waits for approval is asked anew, because other people may have to decide now.
    """
    require_administrator(actor)
    written = policy_documents.document(policy_documents.parse(document, scope))
    with services.database.write() as tx:
        _require_subject(tx, scope, subject_id)
        _require_approvers(tx, written.get("approvers", []))
        row = _row(tx, scope, subject_id)
        before = {} if row is None else document_of(services, row)
        if written == before:
            return
        _store(tx, services, scope, subject_id, written, row)
        if not admits(effective(tx, services, actor.user_id), client):
            raise InvalidInput("From where you are now you could not sign in any more.")
        details = {
            "scope": scope.value,
            "before": json.dumps(before, ensure_ascii=False, sort_keys=True),
            "after": json.dumps(written, ensure_ascii=False, sort_keys=True),
        }
        audit.append(
            tx,
            services,
            type="policy.changed",
            actor_id=actor.user_id,
            object_id=subject_id or scope.value,
            details=details,
        )
        if written.get("networks") != before.get("networks"):
            _end_sessions(tx, scope, subject_id, actor)
        approval_jobs.ask_again(tx, services)


def refused(services: Services, user_id: str, object_id: str, error: KozutumiError) -> None:
    """Record that a member was refused by policy, in a transaction of its own."""
    with services.database.write() as tx:
        audit.append(
            tx,
            services,
            type="policy.refused",
            actor_id=user_id,
            object_id=object_id,
            outcome=error.code,
            details={"detail": error.detail or ""},
        )


def _end_sessions(tx: Connection, scope: Scope, subject_id: str, actor: SignedIn) -> None:
    """Whoever this concerns signs in anew, from a network that is allowed now; except the administrator who just did."""
    concerned = sessions.c.id_hash != actor.session_hash
    if scope is Scope.USER:
        concerned = sa.and_(concerned, sessions.c.user_id == subject_id)
    if scope is Scope.GROUP:
        members = sa.select(group_members.c.user_id).where(group_members.c.group_id == subject_id)
        concerned = sa.and_(concerned, sessions.c.user_id.in_(members))
    tx.execute(sa.delete(sessions).where(concerned))


def _store(
    tx: Connection, services: Services, scope: Scope, subject_id: str, written: Mapping[str, Any], row: Any
) -> None:
    if row is not None and not written:
        tx.execute(sa.delete(policies).where(policies.c.id == row.id))
        return
    policy_id = new_id(services.random) if row is None else row.id
    text = json.dumps(written, ensure_ascii=False, sort_keys=True)
    values = {
        "document_sealed": services.columns.seal("policies", "document_sealed", policy_id, text),
        "updated_at": services.clock.now(),
    }
    if row is None:
        tx.execute(sa.insert(policies).values(id=policy_id, scope=scope.value, subject_id=subject_id, **values))
    else:
        tx.execute(sa.update(policies).where(policies.c.id == policy_id).values(values))


def _row(tx: Connection, scope: Scope, subject_id: str) -> Any:
    query = sa.select(policies).where(policies.c.scope == scope.value, policies.c.subject_id == subject_id)
    return tx.execute(query).one_or_none()


def _require_subject(tx: Connection, scope: Scope, subject_id: str) -> None:
    table = {Scope.GROUP: groups, Scope.USER: users}.get(scope)
    if table is None:
        if subject_id != OF_ALL:
            raise NotFound
        return
    if tx.execute(sa.select(table.c.id).where(table.c.id == subject_id)).scalar_one_or_none() is None:
        raise NotFound


def _require_approvers(tx: Connection, approvers: Sequence[str]) -> None:
    for entry in approvers:
        kind, _, subject_id = entry.partition(":")
        table = users if kind == "user" else groups
        if tx.execute(sa.select(table.c.id).where(table.c.id == subject_id)).scalar_one_or_none() is None:
            raise InvalidInput("Check: approvers.")
