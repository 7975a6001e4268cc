"""What approvers and senders are shown of a request. An approver's look is recorded, as every read of others' content is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import approval_requests, approval_votes, transfers, users
from kozutumi_app.domain.approvals import RequestState
from kozutumi_app.services import Services
from kozutumi_app.use_cases import approving, audit, sending_rules, transfer_views
from kozutumi_app.use_cases.sessions import SignedIn
from kozutumi_app.use_cases.transfer_views import FileView


@dataclass(frozen=True, slots=True)
class VoteView:
    """`stood_in_for` is set where a substitute gave the voice of an approver."""

    voter: str
    stood_in_for: str | None
    agrees: bool
    comment: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RequestView:
    """`short`: fewer people could decide than must agree, and administrators know."""

    id: str
    state: RequestState
    needed: int
    created_at: datetime
    expires_at: datetime
    decided_at: datetime | None
    short: bool
    votes: Sequence[VoteView]


@dataclass(frozen=True, slots=True)
class WaitingView:
    """One line of what waits for an approver. `stands_in_for` is set where their voice would be another's."""

    request_id: str
    transfer_id: str
    sender_name: str
    sender_email: str
    subject: str
    stands_in_for: str | None
    needed: int
    agreed: int
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Preview:
    """Everything that agreeing would let out. `lifetime` is seconds from delivery."""

    waiting: WaitingView
    message: str
    recipients: Sequence[str]
    lifetime: int
    max_downloads: int
    files: Sequence[FileView]
    votes: Sequence[VoteView]


def lines(services: Services, user: SignedIn, found: Sequence[approving.Waiting]) -> list[WaitingView]:
    """What is shown of each that waits for this person."""
    with services.database.read() as tx:
        return [_line(tx, services, user, each) for each in found]


def preview(services: Services, user: SignedIn, request_id: str) -> Preview:
    """Return the whole of one request; NotFound unless it waits for this person. Recorded."""
    with services.database.write() as tx:
        found = approving.find(tx, services, user.user_id, request_id)
        row = tx.execute(sa.select(transfers).where(transfers.c.id == found.transfer_id)).one()
        listed = transfer_views.files_of(tx, services, row.id)
        shown = Preview(
            waiting=_line(tx, services, user, found),
            message=services.columns.open("transfers", "message_sealed", row.id, row.message_sealed),
            recipients=sorted(sending_rules.addresses_of(tx, services, row.id)),
            lifetime=row.lifetime,
            max_downloads=row.max_downloads,
            files=[file for file in listed if file.deleted_at is None],
            votes=_votes(tx, services, request_id),
        )
        audit.append(
            tx,
            services,
            type="approval.previewed",
            actor_id=user.user_id,
            object_id=row.id,
            details={"request": request_id, "read": "metadata"},
        )
    return shown


def of_transfer(services: Services, user: SignedIn, transfer_id: str) -> list[RequestView]:
    """Requests of one's own transfer, newest first. NotFound for anybody else's."""
    transfer_views.show(services, user.user_id, transfer_id)
    query = sa.select(approval_requests).where(approval_requests.c.transfer_id == transfer_id)
    newest = query.order_by(approval_requests.c.created_at.desc(), sa.literal_column("rowid").desc())
    with services.database.read() as tx:
        return [_request(tx, services, row) for row in tx.execute(newest).all()]


def _request(tx: Connection, services: Services, row: Any) -> RequestView:
    return RequestView(
        id=row.id,
        state=RequestState(row.state),
        needed=row.needed,
        created_at=row.created_at,
        expires_at=row.expires_at,
        decided_at=row.decided_at,
        short=row.shortage_at is not None and row.state == RequestState.WAITING,
        votes=_votes(tx, services, row.id),
    )


def _line(tx: Connection, services: Services, user: SignedIn, found: approving.Waiting) -> WaitingView:
    row = tx.execute(sa.select(transfers).where(transfers.c.id == found.transfer_id)).one()
    name, email = _person(tx, services, found.sender_id)
    return WaitingView(
        request_id=found.request_id,
        transfer_id=found.transfer_id,
        sender_name=name,
        sender_email=email,
        subject=services.columns.open("transfers", "subject_sealed", row.id, row.subject_sealed),
        stands_in_for=None if found.for_id == user.user_id else _named(tx, services, found.for_id),
        needed=found.needed,
        agreed=found.agreed,
        created_at=found.created_at,
        expires_at=found.expires_at,
    )


def _votes(tx: Connection, services: Services, request_id: str) -> list[VoteView]:
    query = sa.select(approval_votes).where(approval_votes.c.request_id == request_id)
    rows = tx.execute(query.order_by(approval_votes.c.created_at, approval_votes.c.id)).all()
    return [
        VoteView(
            voter=_named(tx, services, row.voter_id),
            stood_in_for=None if row.voter_id == row.approver_id else _named(tx, services, row.approver_id),
            agrees=row.agrees,
            comment=services.columns.open("approval_votes", "comment_sealed", row.id, row.comment_sealed),
            created_at=row.created_at,
        )
        for row in rows
    ]


def _named(tx: Connection, services: Services, user_id: str) -> str:
    name, email = _person(tx, services, user_id)
    return name or email


def _person(tx: Connection, services: Services, user_id: str) -> tuple[str, str]:
    row = tx.execute(sa.select(users).where(users.c.id == user_id)).one_or_none()
    if row is None:
        return user_id, ""
    opened = services.columns.open
    name = opened("users", "name_sealed", row.id, row.name_sealed) if row.name_sealed else ""
    return name, opened("users", "email_sealed", row.id, row.email_sealed)
