"""A member's receive requests, decrypted for showing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import receive_requests as schema
from kozutumi_app.domain import receive_requests as rules
from kozutumi_app.errors import NotFound
from kozutumi_app.services import Services
from kozutumi_app.use_cases import answers, audit, receive_requests, request_limits


@dataclass(frozen=True, slots=True)
class RequestView:
    """Sizes are bytes, of all answers together. `mail_state` (domain.mail_rules) is of the mail that asked; None before it."""

    id: str
    state: str
    email: str
    locale: str
    subject: str
    message: str
    once: bool
    types: tuple[str, ...]
    max_files: int
    max_bytes: int
    files_used: int
    bytes_used: int
    created_at: datetime
    expires_at: datetime
    closed_at: datetime | None
    mail_state: str | None
    mail_status: str | None
    answers: Sequence[answers.Answer]


@dataclass(frozen=True, slots=True)
class Page:
    """`next`: where the next page begins, or None on the last."""

    requests: Sequence[RequestView]
    next: str | None


def list_own(services: Services, owner_id: str, *, limit: int = 100, after: str | None = None) -> Page:
    """What this member asked for, newest first. NotFound if `after` is no request of theirs."""
    mine = schema.c.owner_id == owner_id
    query = sa.select(schema).where(mine).order_by(schema.c.created_at.desc(), schema.c.id)
    with services.database.read() as tx:
        if after is not None:
            place = receive_requests.own(tx, services, owner_id, after).created_at
            same = sa.and_(schema.c.created_at == place, schema.c.id > after)
            query = query.where(sa.or_(schema.c.created_at < place, same))
        rows = tx.execute(query.limit(limit + 1)).all()
        views = [_view(tx, services, row) for row in rows[:limit]]
    return Page(views, views[-1].id if len(rows) > limit else None)


def show(services: Services, owner_id: str, request_id: str) -> RequestView:
    """Return one request of this member; NotFound for anybody else's, and for none."""
    with services.database.read() as tx:
        return _view(tx, services, receive_requests.own(tx, services, owner_id, request_id))


def reader(services: Services, owner_id: str, request_id: str, file_id: str) -> str:
    """The grant by which the member downloads a file of the answers; NotFound if there is none."""
    with services.database.read() as tx:
        receive_requests.own(tx, services, owner_id, request_id)
        found = answers.reader_of(tx, owner_id, request_id, file_id)
    if found is None:
        raise NotFound
    return found


def history(
    services: Services, owner_id: str, request_id: str, *, before: int | None = None, limit: int = 100
) -> list[audit.OpenedEvent]:
    """Audit events of one's own request, newest first."""
    with services.database.read() as tx:
        receive_requests.own(tx, services, owner_id, request_id)
        return audit.page(tx, services, before=before, object_id=request_id, limit=limit)


def _view(tx: Connection, services: Services, row: Any) -> RequestView:
    used = request_limits.used(tx, row.id)

    def opened(column: str) -> str:
        return services.columns.open("receive_requests", column, row.id, getattr(row, column))

    return RequestView(
        id=row.id,
        state=rules.state_of(row.closed_at, row.expires_at, services.clock.now()),
        email=opened("email_sealed"),
        locale=row.locale,
        subject=opened("subject_sealed"),
        message=opened("message_sealed"),
        once=row.once,
        types=request_limits.types_of(row),
        max_files=row.max_files,
        max_bytes=row.max_bytes,
        files_used=used.files,
        bytes_used=used.bytes,
        created_at=row.created_at,
        expires_at=row.expires_at,
        closed_at=row.closed_at,
        mail_state=row.mail_state,
        mail_status=row.mail_status,
        answers=answers.of_request(tx, services, row.id),
    )
