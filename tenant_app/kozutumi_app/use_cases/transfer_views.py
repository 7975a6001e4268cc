"""A sender's transfers, decrypted for showing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import files, transfers
from kozutumi_app.domain.files import FileState
from kozutumi_app.errors import NotFound
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit, readability, receipts


@dataclass(frozen=True, slots=True)
class FileView:
    """`offset` of `size` bytes have arrived. `sha256` (hex) is known once the file was scanned.

    `path` is the place in the transfer with its folders; the name alone where there is none.
    """

    id: str
    name: str
    path: str
    media_type: str
    size: int
    offset: int
    state: str
    sha256: str | None
    verdict: str | None
    deleted_at: datetime | None
    unscanned: bool = False  # an administrator let it through although no scanner looked inside


@dataclass(frozen=True, slots=True)
class TransferView:
    """`expires_in` is seconds from delivery to `expires_at`; `hold_for` the sender's own hold in seconds."""

    id: str
    state: str
    subject: str
    message: str
    created_at: datetime
    delivered_at: datetime | None
    recalled_at: datetime | None
    expires_at: datetime
    expires_in: int
    max_downloads: int
    authentication: str
    has_password: bool
    hold_for: int
    held_until: datetime | None
    notify: str
    warn_before: int | None
    files: Sequence[FileView]
    recipients: Sequence[receipts.Receipt]


@dataclass(frozen=True, slots=True)
class Page:
    """`next`: where the next page begins, or None on the last."""

    transfers: Sequence[TransferView]
    next: str | None


def list_own(services: Services, user_id: str, *, limit: int = 100, after: str | None = None) -> Page:
    """What this member sent or drafted, newest first. NotFound if `after` is no transfer of theirs."""
    mine = sa.and_(transfers.c.sender_id == user_id, transfers.c.request_id.is_(None))
    query = sa.select(transfers).where(mine).order_by(transfers.c.created_at.desc(), transfers.c.id)
    with services.database.read() as tx:
        if after is not None:
            place = tx.execute(
                sa.select(transfers.c.created_at).where(mine, transfers.c.id == after)
            ).scalar_one_or_none()
            if place is None:
                raise NotFound
            same = sa.and_(transfers.c.created_at == place, transfers.c.id > after)
            query = query.where(sa.or_(transfers.c.created_at < place, same))
        rows = tx.execute(query.limit(limit + 1)).all()
        views = [_view(tx, services, row) for row in rows[:limit]]
    return Page(views, views[-1].id if len(rows) > limit else None)


def show(services: Services, user_id: str, transfer_id: str) -> TransferView:
    """Return one transfer of this sender; NotFound for anybody else's, and for none."""
    query = sa.select(transfers).where(transfers.c.id == transfer_id, transfers.c.sender_id == user_id)
    with services.database.read() as tx:
        row = tx.execute(query).one_or_none()
        if row is None:
            raise NotFound
        return _view(tx, services, row)


def history(
    services: Services, user_id: str, transfer_id: str, *, before: int | None = None, limit: int = 100
) -> list[audit.OpenedEvent]:
    """Audit events of one's own transfer, newest first."""
    show(services, user_id, transfer_id)
    with services.database.read() as tx:
        return audit.page(tx, services, before=before, object_id=transfer_id, limit=limit)


def files_of(tx: Connection, services: Services, transfer_id: str) -> list[FileView]:
    listed = sa.and_(files.c.transfer_id == transfer_id, files.c.state != FileState.PART)
    query = sa.select(files).where(listed).order_by(files.c.position, files.c.id)
    return [_file(services, row) for row in tx.execute(query)]


def _view(tx: Connection, services: Services, row: sa.Row[tuple[object, ...]]) -> TransferView:
    return TransferView(
        id=row.id,
        state=row.state,
        subject=services.columns.open("transfers", "subject_sealed", row.id, row.subject_sealed),
        message=services.columns.open("transfers", "message_sealed", row.id, row.message_sealed),
        created_at=row.created_at,
        delivered_at=row.delivered_at,
        recalled_at=row.recalled_at,
        expires_at=row.expires_at,
        expires_in=row.lifetime,
        max_downloads=row.max_downloads,
        authentication=row.authentication,
        has_password=row.password_hash is not None,
        hold_for=row.hold_for,
        held_until=row.held_until,
        notify=row.notify,
        warn_before=row.warn_before,
        files=files_of(tx, services, row.id),
        recipients=receipts.of_transfer(tx, services, row.id),
    )


def _file(services: Services, row: sa.Row[tuple[object, ...]]) -> FileView:
    def opened(column: str, sealed: bytes | None) -> str | None:
        return None if sealed is None else services.columns.open("files", column, row.id, sealed)

    name = opened("name_sealed", row.name_sealed) or ""
    return FileView(
        id=row.id,
        name=name,
        path=opened("path_sealed", row.path_sealed) or name,
        media_type=opened("media_type_sealed", row.media_type_sealed) or "",
        size=row.size,
        offset=row.offset,
        state=row.state,
        sha256=opened("sha256_sealed", row.sha256_sealed),
        verdict=opened("verdict_sealed", row.verdict_sealed),
        deleted_at=row.deleted_at,
        unscanned=readability.is_released(services, row),
    )
