"""Making content unreadable and giving its quota back: the key goes first, then everything else of the file."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import files, segments
from kozutumi_app.crypto import wrapping
from kozutumi_app.domain.files import FileState
from kozutumi_app.services import Services
from kozutumi_app.use_cases import jobs

KIND: Final = "erase"
_LOOK_AGAIN: Final = 3600  # seconds; the end of a hold starts the app anew, which does not bring a job forward


def mark(tx: Connection, services: Services, file_id: str) -> bool:
    """Take the file away from everyone and ask for its erasure; False when that was done before."""
    now = services.clock.now()
    live = sa.and_(files.c.id == file_id, files.c.deleted_at.is_(None))
    if tx.execute(sa.update(files).where(live).values(deleted_at=now, upload_expires_at=None)).rowcount != 1:
        return False
    jobs.enqueue(tx, KIND, file_id, now)
    mark_parts(tx, services, file_id)
    return True


def mark_parts(tx: Connection, services: Services, file_id: str) -> None:
    """Likewise for the parts whose bytes the file has taken, or will not take any more."""
    parts = sa.select(files.c.id).where(files.c.joined_into == file_id, files.c.deleted_at.is_(None))
    for part_id in list(tx.execute(parts).scalars()):
        mark(tx, services, part_id)


def erase(services: Services, file_id: str) -> None:
    """Job `erase`: delete what a marked file still has in the store. Idempotent.

    Under legal hold nothing is destroyed: nobody can open the file any more, and its turn comes when the hold ends.
    """
    if services.settings.legal_hold:
        raise jobs.RetryLater(retry_after=_LOOK_AGAIN)
    with services.database.read() as tx:
        row = tx.execute(sa.select(files.c.deleted_at, files.c.state).where(files.c.id == file_id)).one_or_none()
    if row is None or row.deleted_at is None:
        return
    delete_objects(services, file_id)
    with services.database.write() as tx:
        tx.execute(sa.delete(segments).where(segments.c.file_id == file_id))
        if row.state == FileState.PART:  # nobody's list shows it
            tx.execute(sa.delete(files).where(files.c.id == file_id))


def delete_objects(services: Services, file_id: str) -> None:
    """The key first. Raises StorageUnavailable with the rest still there, unreadable."""
    services.blobs.delete(wrapping.object_key(file_id))
    for key in list(services.blobs.list(f"{file_id}/")):
        services.blobs.delete(key)
