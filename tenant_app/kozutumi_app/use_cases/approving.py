"""What an approver does: see what waits for them, look into it, agree or refuse with a comment (architecture.md §6).

An approver sees exactly the transfers that wait for them, and only while they do. Nobody decides on their own transfer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import approval_requests, approval_votes, transfers
from kozutumi_app.domain import approvals
from kozutumi_app.domain.approvals import RequestState
from kozutumi_app.domain.identifiers import new_id
from kozutumi_app.domain.transfers import TransferState
from kozutumi_app.errors import ApprovalClosed, InvalidInput, NotApprover, NotFound
from kozutumi_app.services import Services
from kozutumi_app.use_cases import approval_calls, audit, delivering
from kozutumi_app.use_cases.approval_calls import Deciding
from kozutumi_app.use_cases.giving_back import give_back
from kozutumi_app.use_cases.sessions import SignedIn


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request that this person may decide, and whose voice theirs would be (their own, or that of whom they stand in for)."""

    request_id: str
    transfer_id: str
    sender_id: str
    for_id: str
    needed: int
    agreed: int
    created_at: datetime
    expires_at: datetime

    @property
    def id(self) -> str:
        return self.request_id


def waiting(services: Services, user_id: str) -> list[Waiting]:
    """Everything that waits for this person, oldest first."""
    with services.database.read() as tx:
        found = [_waiting(tx, services, user_id, row) for row in _open_requests(tx)]
    return [each for each in found if each is not None]


def count(services: Services, user_id: str) -> int:
    return len(waiting(services, user_id))


def may_preview(tx: Connection, services: Services, user_id: str, transfer_id: str) -> bool:
    """Whether the transfer waits for this person now. Asked at every segment of a preview."""
    rows = _open_requests(tx, approval_requests.c.transfer_id == transfer_id)
    return any(_waiting(tx, services, user_id, row) is not None for row in rows)


def find(tx: Connection, services: Services, user_id: str, request_id: str) -> Waiting:
    """Return the request; NotFound unless it waits for this person."""
    for row in _open_requests(tx, approval_requests.c.id == request_id):
        found = _waiting(tx, services, user_id, row)
        if found is not None:
            return found
    raise NotFound


def decide(services: Services, user: SignedIn, request_id: str, *, agree: bool, comment: str = "") -> RequestState:
    """Give one voice. Refusing ends the request at once and gives the transfer back to its sender as a draft.

    ApprovalClosed when it was decided, cancelled or changed meanwhile; NotApprover for the sender and who voted before.
    """
    comment = comment.strip()
    if len(comment) > approvals.COMMENT_LENGTH:
        raise InvalidInput(f"At most {approvals.COMMENT_LENGTH} characters of comment.")
    try:
        with services.database.write() as tx:
            return _decide(tx, services, user, request_id, agree=agree, comment=comment)
    except (NotApprover, ApprovalClosed) as error:
        _record_refusal(services, user, request_id, error.code)
        raise


def lapse_or_wait(tx: Connection, services: Services, request: Any, transfer: Any) -> bool:
    """End a request that nobody decided in time; False while there is time."""
    now = services.clock.now()
    if now < request.expires_at:
        return False
    approval_calls.close(tx, transfer.id, RequestState.LAPSED, now)
    audit.append(tx, services, type="approval.lapsed", actor_id=audit.SYSTEM, object_id=transfer.id)
    give_back(tx, transfer, f"approval_lapsed:{request.id}", now)
    return True


def _decide(
    tx: Connection, services: Services, user: SignedIn, request_id: str, *, agree: bool, comment: str
) -> RequestState:
    request, transfer, decided = _require_turn(tx, services, user, request_id)
    approver_id = approvals.voice_of(user.user_id, decided.voices, decided.votes)
    if approver_id is None:
        raise NotApprover
    now = services.clock.now()
    vote_id = new_id(services.random)
    vote = {
        "id": vote_id,
        "request_id": request.id,
        "approver_id": approver_id,
        "voter_id": user.user_id,
        "agrees": agree,
        "comment_sealed": services.columns.seal("approval_votes", "comment_sealed", vote_id, comment),
        "created_at": now,
    }
    tx.execute(sa.insert(approval_votes).values(vote))
    _record(tx, services, user, transfer.id, request.id, approver_id, agree=agree, comment=comment)
    votes = [*decided.votes, approvals.Vote(approver_id, user.user_id, agree)]
    state = approvals.judge(votes, request.needed)
    if state is not RequestState.WAITING:
        approval_calls.close(tx, transfer.id, state, now)
    if state is RequestState.REFUSED:
        give_back(tx, transfer, f"approval_refused:{request.id}", now)
    if state is RequestState.AGREED:
        delivering.advance(tx, services, transfer.id)
    return state


def _require_turn(tx: Connection, services: Services, user: SignedIn, request_id: str) -> tuple[Any, Any, Deciding]:
    request = tx.execute(sa.select(approval_requests).where(approval_requests.c.id == request_id)).one_or_none()
    if request is None:
        raise NotFound
    transfer = tx.execute(sa.select(transfers).where(transfers.c.id == request.transfer_id)).one()
    decided = approval_calls.deciding(tx, services, request, transfer.sender_id)
    if user.user_id == transfer.sender_id:
        raise NotApprover
    if user.user_id not in {voter for voters in decided.voices.values() for voter in voters}:
        raise NotFound
    closed = request.state != RequestState.WAITING or transfer.state != TransferState.AWAITING_APPROVAL
    late = services.clock.now() >= request.expires_at
    if closed or late or request.content != approval_calls.content(tx, services, transfer):
        raise ApprovalClosed
    return request, transfer, decided


def _open_requests(tx: Connection, *conditions: sa.ColumnElement[bool]) -> list[Any]:
    query = sa.select(approval_requests, transfers.c.sender_id).join(transfers)
    waits = sa.and_(
        approval_requests.c.state == RequestState.WAITING.value,
        transfers.c.state == TransferState.AWAITING_APPROVAL.value,
        *conditions,
    )
    return list(tx.execute(query.where(waits).order_by(approval_requests.c.created_at)).all())


def _waiting(tx: Connection, services: Services, user_id: str, row: Any) -> Waiting | None:
    decided = approval_calls.deciding(tx, services, row, row.sender_id)
    approver_id = approvals.voice_of(user_id, decided.voices, decided.votes)
    if approver_id is None or services.clock.now() >= row.expires_at:
        return None
    return Waiting(
        row.id,
        row.transfer_id,
        row.sender_id,
        approver_id,
        row.needed,
        len(decided.votes),
        row.created_at,
        row.expires_at,
    )


def _record(
    tx: Connection,
    services: Services,
    user: SignedIn,
    transfer_id: str,
    request_id: str,
    approver_id: str,
    *,
    agree: bool,
    comment: str,
) -> None:
    details = {"request": request_id, "for": approver_id, "comment": comment}
    kind = "approval.agreed" if agree else "approval.refused"
    audit.append(tx, services, type=kind, actor_id=user.user_id, object_id=transfer_id, details=details)


def _record_refusal(services: Services, user: SignedIn, request_id: str, code: str) -> None:
    with services.database.write() as tx:
        query = sa.select(approval_requests.c.transfer_id).where(approval_requests.c.id == request_id)
        audit.append(
            tx,
            services,
            type="approval.denied",
            actor_id=user.user_id,
            object_id=tx.execute(query).scalar_one(),
            outcome=code,
            details={"request": request_id},
        )
