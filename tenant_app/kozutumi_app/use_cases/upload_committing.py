"""Making stored segments part of a file. What is committed is durable, and only that is ever acknowledged."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import files, segments
from kozutumi_app.crypto import manifest as manifests
from kozutumi_app.crypto.segments import Segment
from kozutumi_app.domain.files import FileState
from kozutumi_app.domain.identifiers import new_id
from kozutumi_app.errors import InvalidInput, KeysOutOfDate, OffsetMismatch, Refused, StorageUnavailable, UploadGone
from kozutumi_app.services import Services
from kozutumi_app.use_cases import erasure, jobs
from kozutumi_app.use_cases import upload as uploads
from kozutumi_app.use_cases.upload import LIFETIME, Upload
from kozutumi_contract.secret import Secret

MAX_SEGMENTS: Final = 20_000  # keeps the manifest of a file sent in crumbs below 3 MiB


def commit(services: Services, upload: Upload, key: Secret[bytes], added: Sequence[Segment]) -> Upload:
    """Add segments to the file, all or none; with the last one the file goes to the scanner.

    OffsetMismatch when the upload grew meanwhile, UploadGone when it ended: then the caller's segments are nobody's.
    """
    offset = upload.offset + sum(segment.length for segment in added)
    now = services.clock.now()
    finished = offset == upload.size and not upload.is_part
    manifest_id = seal_manifest(services, upload, key, added) if finished else None
    expires_at = None if finished or upload.is_final else now + LIFETIME  # a file being joined is our own work
    grown = replace(upload, offset=offset, expires_at=expires_at)
    changed: dict[str, Any] = {"offset": offset, "updated_at": now, "upload_expires_at": expires_at}
    if manifest_id is not None:
        grown = replace(grown, state=FileState.SCANNING)
        changed |= {"state": grown.state, "manifest_id": manifest_id}
    try:
        with services.database.write() as tx:
            _grow(tx, upload, changed)
            _append(tx, services, upload.file_id, added, now)
            if manifest_id is not None:
                finish(tx, services, grown)
    except (Refused, KeysOutOfDate):
        if manifest_id is not None:
            with contextlib.suppress(StorageUnavailable):
                services.blobs.delete(manifests.object_key(upload.file_id, manifest_id))
        raise
    if not upload.is_final:
        services.metrics.uploaded_bytes.inc(offset - upload.offset)
    return grown


def finish(tx: Connection, services: Services, upload: Upload) -> None:
    """What follows, in the same transaction, when a file is whole."""
    jobs.enqueue(tx, "scan", upload.file_id, services.clock.now())
    uploads.record(tx, services, "file.uploaded", upload)
    if upload.is_final:
        erasure.mark_parts(tx, services, upload.file_id)


def stored_segments(tx: Connection, file_id: str) -> tuple[Segment, ...]:
    query = sa.select(segments).where(segments.c.file_id == file_id).order_by(segments.c.position)
    return tuple(Segment(row.object_id, row.salt, row.length) for row in tx.execute(query))


def seal_manifest(services: Services, upload: Upload, key: Secret[bytes], added: Sequence[Segment] = ()) -> str:
    """Store the manifest of the whole file under a name of its own; returns that name."""
    with services.database.read() as tx:
        stored = stored_segments(tx, upload.file_id)
    manifest = manifests.Manifest(upload.name, upload.media_type, upload.size, (*stored, *added))
    manifest_id = new_id(services.random)
    try:
        sealed = manifests.seal(key, services.settings.service_code, upload.file_id, manifest_id, manifest)
    except ValueError:  # segments no longer add up: somebody else committed meanwhile
        raise OffsetMismatch from None
    services.blobs.put(manifests.object_key(upload.file_id, manifest_id), sealed)
    return manifest_id


def _grow(tx: Connection, upload: Upload, changed: dict[str, Any]) -> None:
    live = sa.and_(files.c.id == upload.file_id, files.c.deleted_at.is_(None), files.c.joined_into.is_(None))
    unchanged = sa.and_(live, files.c.offset == upload.offset, files.c.state == upload.state)
    if tx.execute(sa.update(files).where(unchanged).values(changed)).rowcount == 1:
        return
    if tx.execute(sa.select(files.c.id).where(live)).one_or_none() is None:
        raise UploadGone
    raise OffsetMismatch


def _append(tx: Connection, services: Services, file_id: str, added: Sequence[Segment], now: datetime) -> None:
    count = sa.select(sa.func.count()).where(segments.c.file_id == file_id)
    start = tx.execute(count).scalar_one()
    if start + len(added) > MAX_SEGMENTS:
        raise InvalidInput("the file was sent in too many small parts; start again with larger ones")
    rows = [
        {
            "id": new_id(services.random),
            "file_id": file_id,
            "position": start + position,
            "object_id": segment.id,
            "salt": segment.salt,
            "length": segment.length,
            "created_at": now,
        }
        for position, segment in enumerate(added)
    ]
    if rows:
        tx.execute(sa.insert(segments), rows)
