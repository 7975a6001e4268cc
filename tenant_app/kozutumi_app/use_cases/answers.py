"""What a guest sends for a receive request: a transfer whose sender is the member who asked, and who is its recipient too.

So files take the one path of upload, scan, grant and download. It waits for no approver and no hold, and one refused
file does not keep the others back: each stands for itself, and only what is clean can be opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import files, receive_requests, recipients, transfers, users
from kozutumi_app.domain import receive_requests as rules
from kozutumi_app.domain.accounts import look_up_form
from kozutumi_app.domain.files import FileState
from kozutumi_app.domain.identifiers import new_id
from kozutumi_app.domain.transfers import OVER, TransferState
from kozutumi_app.errors import Draining, InvalidInput, NotDeliverable
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit, erasure, jobs, policies, rescan, settings_store, transfer_views, upload_tokens

NOTE_LENGTH: Final = 2_000
_UNDECIDED: Final = frozenset({FileState.UPLOADING, FileState.SCANNING})
_TOKEN_LIFE: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Answer:
    """`state` is that of its transfer; Draft while the guest adds files."""

    id: str
    state: str
    note: str
    created_at: datetime
    delivered_at: datetime | None
    expires_at: datetime
    files: Sequence[transfer_views.FileView]


@dataclass(frozen=True, slots=True)
class Begun:
    """Where a guest uploads to: metadata `transfer` of tus, and the header Upload-Token that lets them."""

    transfer_id: str
    upload_token: str
    expires_at: datetime


def begin(services: Services, request_id: str) -> Begun:
    """Return the guest's unfinished answer, or a new one, with a fresh token to upload to it."""
    now = services.clock.now()
    with services.database.write() as tx:
        if settings_store.is_draining(tx):
            raise Draining
        request = _request(tx, request_id)
        draft = _draft(tx, request_id)
        if draft is None:
            rules.require_open(request.closed_at, request.expires_at, now)
        transfer_id = _create(tx, services, request) if draft is None else str(draft.id)
        expires_at = now + _TOKEN_LIFE
        token = upload_tokens.issue_for_transfer(tx, services, transfer_id, request_id, expires_at)
    return Begun(transfer_id, token, expires_at)


def finish(services: Services, request_id: str, note: str) -> str:
    """Close the guest's list of files; returns the answer's state. With a request for one answer nothing more is taken."""
    note = note.strip()
    if len(note) > NOTE_LENGTH:
        raise InvalidInput("At most 2000 characters of message.")
    with services.database.write() as tx:
        request, draft = _request(tx, request_id), _draft(tx, request_id)
        if draft is None:
            sent = _last_sent(tx, request_id)
            if sent is None:
                raise NotDeliverable
            return str(sent.state)  # asked twice: the first answer may have been lost
        states = _states(tx, draft.id)
        if not states or FileState.UPLOADING in states:
            raise NotDeliverable
        sealed = services.columns.seal("transfers", "message_sealed", draft.id, note)
        _set(tx, draft.id, TransferState.AWAITING_FILES, message_sealed=sealed)
        _record(tx, services, "request.answered", request_id, draft.id, {"request": request_id})
        advance(tx, services, _row(tx, draft.id))
        state = str(_row(tx, draft.id).state)
        if request.once:
            tx.execute(
                sa.update(receive_requests)
                .where(receive_requests.c.id == request_id)
                .values(closed_at=services.clock.now())
            )
    return state


def advance(tx: Connection, services: Services, row: Any) -> None:
    """Deliver a guest's answer once each of its files has a verdict; the member is told. Else nothing."""
    states = _states(tx, row.id)
    if row.state != TransferState.AWAITING_FILES or not states or _UNDECIDED & set(states):
        return
    if not rescan.require_current(tx, services, row.id):
        return
    now = services.clock.now()
    expires_at = now + timedelta(seconds=row.lifetime)
    _set(tx, row.id, TransferState.DELIVERED, delivered_at=now, expires_at=expires_at)
    jobs.enqueue(tx, "expire", row.id, expires_at)
    jobs.enqueue(tx, "mail", f"received:{row.id}", now)
    _record(tx, services, "transfer.delivered", audit.SYSTEM, row.id, {"request": row.request_id})


def give_up_drafts(tx: Connection, services: Services, request_id: str) -> None:
    """End what a guest had not finished, and give its room back."""
    query = sa.select(transfers.c.id).where(
        transfers.c.request_id == request_id, transfers.c.state == TransferState.DRAFT
    )
    for transfer_id in list(tx.execute(query).scalars()):
        _set(tx, transfer_id, TransferState.DELETED)
        live = sa.select(files.c.id).where(files.c.transfer_id == transfer_id, files.c.deleted_at.is_(None))
        for file_id in list(tx.execute(live).scalars()):
            erasure.mark(tx, services, file_id)
        _record(tx, services, "transfer.cancelled", audit.SYSTEM, transfer_id, {"request": request_id})


def of_request(tx: Connection, services: Services, request_id: str) -> list[Answer]:
    """What its guest sent, newest first; unfinished and cancelled ones left out."""
    query = sa.select(transfers).where(
        transfers.c.request_id == request_id,
        transfers.c.state.not_in([TransferState.DRAFT, TransferState.DELETED]),
    )
    rows = tx.execute(query.order_by(transfers.c.created_at.desc(), transfers.c.id)).all()
    return [_answer(tx, services, row) for row in rows]


def draft_of(tx: Connection, services: Services, request_id: str) -> Answer | None:
    row = _draft(tx, request_id)
    return None if row is None else _answer(tx, services, row)


def has_draft(tx: Connection, request_id: str) -> bool:
    return _draft(tx, request_id) is not None


def count_sent(tx: Connection, request_id: str) -> int:
    sent = sa.and_(transfers.c.request_id == request_id, transfers.c.state.not_in([TransferState.DRAFT, *OVER]))
    return tx.execute(sa.select(sa.func.count()).select_from(transfers).where(sent)).scalar_one()


def reader_of(tx: Connection, owner_id: str, request_id: str, file_id: str) -> str | None:
    """The grant by which the member who asked reads a file of the answers; None if it is not among them."""
    joined = recipients.join(transfers).join(files, files.c.transfer_id == transfers.c.id)
    mine = sa.and_(transfers.c.request_id == request_id, transfers.c.sender_id == owner_id, files.c.id == file_id)
    return tx.execute(sa.select(recipients.c.id).select_from(joined).where(mine)).scalar_one_or_none()


def _create(tx: Connection, services: Services, request: Any) -> str:
    now, seal = services.clock.now(), services.columns.seal
    policy = policies.effective(tx, services, request.owner_id)
    lifetime = min(services.settings.default_expiry, policy.max_expiry)
    transfer_id = new_id(services.random)
    subject = services.columns.open("receive_requests", "subject_sealed", request.id, request.subject_sealed)
    row = {
        "id": transfer_id,
        "sender_id": request.owner_id,
        "request_id": request.id,
        "state": TransferState.DRAFT.value,
        "subject_sealed": seal("transfers", "subject_sealed", transfer_id, subject),
        "message_sealed": seal("transfers", "message_sealed", transfer_id, ""),
        "lifetime": lifetime,
        "expires_at": now + rules.ANSWER_LIFE,
        "max_downloads": policy.max_downloads,
        "notify": "Never",
        "created_at": now,
    }
    tx.execute(sa.insert(transfers).values(row))
    _grant(tx, services, transfer_id, request.owner_id)
    jobs.enqueue(tx, "expire", transfer_id, now + rules.ANSWER_LIFE)
    _record(tx, services, "transfer.created", request.id, transfer_id, {"request": request.id})
    return transfer_id


def _grant(tx: Connection, services: Services, transfer_id: str, owner_id: str) -> None:
    """The member's own grant. Its link is told to nobody: they read as who they are."""
    owner = tx.execute(sa.select(users).where(users.c.id == owner_id)).one()
    email = services.columns.open("users", "email_sealed", owner.id, owner.email_sealed)
    recipient_id = new_id(services.random)
    row = {
        "id": recipient_id,
        "transfer_id": transfer_id,
        "link_id": new_id(services.random),
        "email_sealed": services.columns.seal("recipients", "email_sealed", recipient_id, email),
        "email_index": services.columns.index("recipient email", look_up_form(email)),
        "locale": owner.locale,
    }
    tx.execute(sa.insert(recipients).values(row))


def _answer(tx: Connection, services: Services, row: Any) -> Answer:
    listed = transfer_views.files_of(tx, services, row.id)
    return Answer(
        id=row.id,
        state=row.state,
        note=services.columns.open("transfers", "message_sealed", row.id, row.message_sealed),
        created_at=row.created_at,
        delivered_at=row.delivered_at,
        expires_at=row.expires_at,
        files=[file for file in listed if file.deleted_at is None or row.state in OVER],
    )


def _request(tx: Connection, request_id: str) -> Any:
    return tx.execute(sa.select(receive_requests).where(receive_requests.c.id == request_id)).one()


def _draft(tx: Connection, request_id: str) -> Any:
    mine = sa.and_(transfers.c.request_id == request_id, transfers.c.state == TransferState.DRAFT)
    return tx.execute(sa.select(transfers).where(mine).order_by(transfers.c.created_at).limit(1)).one_or_none()


def _last_sent(tx: Connection, request_id: str) -> Any:
    sent = sa.and_(transfers.c.request_id == request_id, transfers.c.state != TransferState.DELETED)
    return tx.execute(sa.select(transfers).where(sent).order_by(transfers.c.created_at.desc()).limit(1)).one_or_none()


def _row(tx: Connection, transfer_id: str) -> Any:
    return tx.execute(sa.select(transfers).where(transfers.c.id == transfer_id)).one()


def _states(tx: Connection, transfer_id: str) -> list[str]:
    listed = sa.and_(files.c.transfer_id == transfer_id, files.c.deleted_at.is_(None), files.c.state != FileState.PART)
    return list(tx.execute(sa.select(files.c.state).where(listed)).scalars())


def _set(tx: Connection, transfer_id: str, state: TransferState, **others: object) -> None:
    tx.execute(sa.update(transfers).where(transfers.c.id == transfer_id).values(state=state.value, **others))


def _record(
    tx: Connection, services: Services, type: str, actor_id: str, transfer_id: str, details: dict[str, str]
) -> None:
    audit.append(tx, services, type=type, actor_id=actor_id, object_id=transfer_id, details=details)
