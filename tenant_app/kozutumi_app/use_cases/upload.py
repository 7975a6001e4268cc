"""An upload as its sender sees it: found, cancelled, expired. It grows by committed segments (`upload_committing`).

`upload_creating` begins it, `upload_receiving` brings the bytes, `upload_joining` puts parts together. All of it blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import files, transfers
from kozutumi_app.crypto import wrapping
from kozutumi_app.domain.files import FileState
from kozutumi_app.domain.transfers import TransferState
from kozutumi_app.errors import Draining, NotFound, ObjectMissing, UploadGone
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit, erasure, giving_back, own_transfers, settings_store
from kozutumi_contract.secret import Secret

LIFETIME: Final = timedelta(hours=24)  # since the last committed byte


@dataclass(frozen=True, slots=True)
class Uploader:
    """Whose transfer is written to, and who acts. A narrow token names the transfer, or the one upload, it is for."""

    owner_id: str
    actor_id: str
    transfer_id: str | None = None
    file_id: str | None = None


@dataclass(frozen=True, slots=True)
class Upload:
    """`size` and `offset` are bytes of plaintext; what lies before `offset` is durable.

    `concat` (tus, concatenation): "partial", or "final;…" for a file that is put together from parts.
    `repeated`: its creation was sent again.
    """

    file_id: str
    transfer_id: str
    actor_id: str
    name: str
    media_type: str
    size: int
    offset: int
    state: FileState
    expires_at: datetime | None
    path: str = ""
    concat: str | None = None
    repeated: bool = False

    @property
    def is_part(self) -> bool:
        return self.state is FileState.PART

    @property
    def is_final(self) -> bool:
        return self.concat is not None and not self.is_part

    @property
    def is_complete(self) -> bool:
        return self.offset == self.size if self.is_part else self.state is not FileState.UPLOADING


def find(services: Services, uploader: Uploader, file_id: str) -> Upload:
    """Return an upload of this uploader; NotFound for anyone else's, UploadGone when it was cancelled or has expired."""
    with services.database.read() as tx:
        return find_in(tx, services, uploader, file_id)


def find_in(tx: Connection, services: Services, uploader: Uploader, file_id: str) -> Upload:
    row = tx.execute(sa.select(files, transfers.c.sender_id).join(transfers).where(files.c.id == file_id)).one_or_none()
    if row is None or row.sender_id != uploader.owner_id:
        raise NotFound
    if uploader.transfer_id not in {None, row.transfer_id} or uploader.file_id not in {None, row.id}:
        raise NotFound
    if row.deleted_at is not None or row.joined_into is not None or _is_expired(row, services.clock.now()):
        raise UploadGone
    return from_row(services, row, uploader.actor_id)


def from_row(services: Services, row: Any, actor_id: str) -> Upload:
    """The upload of a row of `files`."""

    def unsealed(column: str, sealed: bytes | None) -> str:
        return services.columns.open("files", column, row.id, sealed) if sealed is not None else ""

    return Upload(
        file_id=row.id,
        transfer_id=row.transfer_id,
        actor_id=actor_id,
        name=unsealed("name_sealed", row.name_sealed),
        media_type=unsealed("media_type_sealed", row.media_type_sealed),
        size=row.size,
        offset=row.offset,
        state=FileState(row.state),
        expires_at=row.upload_expires_at,
        path=unsealed("path_sealed", row.path_sealed),
        concat=row.concat,
    )


def require_not_draining(services: Services) -> None:
    """Draining before a new request may add bytes; one that runs may end."""
    with services.database.read() as tx:
        if settings_store.is_draining(tx):
            raise Draining


def key_of(services: Services, file_id: str) -> Secret[bytes]:
    """Fetch and unwrap the file's key; UploadGone when it was destroyed."""
    try:
        wrapped = services.blobs.get(wrapping.object_key(file_id))
    except ObjectMissing:
        raise UploadGone from None
    return wrapping.unwrap(services.keyring, services.settings.service_code, file_id, wrapped)


def cancel(services: Services, uploader: Uploader, file_id: str) -> None:
    """End an upload and give its quota back. A file of a transfer that was sent stays (TransferClosed)."""
    with services.database.write() as tx:
        upload = find_in(tx, services, uploader, file_id)
        own_transfers.require_open_for_files(tx, services, uploader.owner_id, upload.transfer_id)
        if erasure.mark(tx, services, file_id):
            record(tx, services, "file.cancelled", upload)


def expire_due(services: Services) -> int:
    """Erase uploads that nobody continued in time; returns how many. What was sent with one of them is a draft again."""
    now = services.clock.now()
    unfinished = files.c.state.in_((FileState.UPLOADING, FileState.PART))
    due = sa.select(files.c.id, files.c.transfer_id, files.c.state).where(
        unfinished, files.c.upload_expires_at <= now, files.c.deleted_at.is_(None)
    )
    with services.database.read() as tx:
        if tx.execute(due.limit(1)).one_or_none() is None:
            return 0
    with services.database.write() as tx:
        rows = tx.execute(due).all()
        for row in rows:
            erasure.mark(tx, services, row.id)
            details = {"file": row.id}
            audit.append(
                tx,
                services,
                type="file.upload_expired",
                actor_id=audit.SYSTEM,
                object_id=row.transfer_id,
                details=details,
            )
            if row.state == FileState.UPLOADING:
                _interrupt(tx, services, row.transfer_id, now)
    return len(rows)


def _interrupt(tx: Connection, services: Services, transfer_id: str, now: datetime) -> None:
    """Never deliver the rest: a part would not be what its sender sent."""
    waits = sa.and_(transfers.c.id == transfer_id, transfers.c.state == TransferState.AWAITING_FILES.value)
    row = tx.execute(sa.select(transfers).where(waits, transfers.c.request_id.is_(None))).one_or_none()
    if row is None:
        return
    giving_back.give_back(tx, row, f"interrupted:{transfer_id}", now)
    audit.append(tx, services, type="transfer.interrupted", actor_id=audit.SYSTEM, object_id=transfer_id)


def record(tx: Connection, services: Services, type: str, upload: Upload, outcome: str = "ok") -> None:
    details = {"file": upload.file_id, "name": upload.path or upload.name, "size": str(upload.size)}
    actor, transfer = upload.actor_id, upload.transfer_id
    audit.append(tx, services, type=type, actor_id=actor, object_id=transfer, outcome=outcome, details=details)


def _is_expired(row: Any, now: datetime) -> bool:
    unfinished = row.state in {FileState.UPLOADING, FileState.PART}
    return unfinished and row.upload_expires_at is not None and row.upload_expires_at <= now
