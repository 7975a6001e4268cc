"""Job `approval`: tell whoever may decide, tell administrators when too few can, and end what nobody decided in time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import approval_notices, approval_requests, transfers, users
from kozutumi_app.domain import approvals
from kozutumi_app.domain.accounts import Role
from kozutumi_app.domain.approvals import RequestState
from kozutumi_app.domain.identifiers import new_id
from kozutumi_app.domain.transfers import TransferState
from kozutumi_app.services import Services
from kozutumi_app.use_cases import approval_calls, approval_jobs, approving, audit, jobs

REQUEST: Final = "request"
SHORTAGE: Final = "shortage"
_LOOK_AGAIN: Final = timedelta(hours=1)  # a substitute's time may begin or end without anybody doing anything


def look(services: Services, transfer_id: str) -> None:
    """Idempotent: each person is told once of a request, and of a shortage once until it is over."""
    with services.database.write() as tx:
        request = approval_calls.last(tx, transfer_id)
        if request is None or request.state != RequestState.WAITING:
            return
        now = services.clock.now()
        transfer = tx.execute(sa.select(transfers).where(transfers.c.id == transfer_id)).one()
        if transfer.state != TransferState.AWAITING_APPROVAL:
            approval_calls.close(tx, transfer_id, RequestState.WITHDRAWN, now)
            return
        if approving.lapse_or_wait(tx, services, request, transfer):
            return
        decided = approval_calls.deciding(tx, services, request, transfer.sender_id)
        for user_id in sorted(decided.waits_for()):
            _tell(tx, services, request.id, user_id, REQUEST)
        short = not approvals.is_reachable(decided.voices, decided.votes, request.needed)
        _note_shortage(tx, services, request, short=short)
        jobs.enqueue(tx, approval_jobs.KIND, transfer_id, min(request.expires_at, now + _LOOK_AGAIN))


def _note_shortage(tx: Connection, services: Services, request: Any, *, short: bool) -> None:
    if short is (request.shortage_at is not None):
        return
    now = services.clock.now()
    changed = sa.update(approval_requests).where(approval_requests.c.id == request.id)
    tx.execute(changed.values(shortage_at=now if short else None))
    if not short:
        told = sa.and_(approval_notices.c.request_id == request.id, approval_notices.c.kind == SHORTAGE)
        tx.execute(sa.delete(approval_notices).where(told))
        return
    audit.append(
        tx,
        services,
        type="approval.shortage",
        actor_id=audit.SYSTEM,
        object_id=request.transfer_id,
        details={"request": request.id, "needed": str(request.needed)},
    )
    administrators = sa.select(users.c.id).where(
        users.c.role == Role.ADMINISTRATOR.value, users.c.disabled.is_(False), users.c.accepted_at.is_not(None)
    )
    for user_id in tx.execute(administrators.order_by(users.c.id)).scalars().all():
        _tell(tx, services, request.id, user_id, SHORTAGE)


def _tell(tx: Connection, services: Services, request_id: str, user_id: str, kind: str) -> None:
    same = sa.and_(
        approval_notices.c.request_id == request_id,
        approval_notices.c.user_id == user_id,
        approval_notices.c.kind == kind,
    )
    if tx.execute(sa.select(sa.exists().where(same))).scalar_one():
        return
    now = services.clock.now()
    notice = {
        "id": new_id(services.random),
        "request_id": request_id,
        "user_id": user_id,
        "kind": kind,
        "created_at": now,
    }
    tx.execute(sa.insert(approval_notices).values(notice))
    jobs.enqueue(tx, "mail", f"approval_{kind}:{notice['id']}", now)
