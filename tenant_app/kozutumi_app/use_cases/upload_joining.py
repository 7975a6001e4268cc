"""Job `concatenate`: put a file together from its parts, segment by segment, under the file's own key.

The file format knows no file of several keys, so what the parts hold is opened and sealed anew (docs/decisions/0011).
At most one segment is in memory; each one that is committed stays done when the app is killed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
import structlog

from kozutumi_app.adapters.database.schema import files
from kozutumi_app.crypto import segments
from kozutumi_app.crypto.encoding import CryptoError
from kozutumi_app.crypto.manifest import Manifest
from kozutumi_app.crypto.segments import SALT_BYTES, Cipher, Segment, Writer
from kozutumi_app.domain.files import FileState
from kozutumi_app.domain.identifiers import new_id
from kozutumi_app.errors import OffsetMismatch, UploadGone
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit, erasure, stored_files, upload_committing, upload_creating
from kozutumi_app.use_cases import upload as uploads
from kozutumi_app.use_cases.stored_files import Part, StoredFile
from kozutumi_app.use_cases.upload import Upload
from kozutumi_contract.secret import Secret

KIND: Final = upload_creating.JOIN

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Source:
    stored: StoredFile
    segment: Segment


def join(services: Services, file_id: str) -> None:
    """Idempotent. StorageUnavailable and DatabaseUnavailable leave it to be run again from where it came to."""
    with services.database.read() as tx:
        row = tx.execute(sa.select(files).where(files.c.id == file_id)).one_or_none()
    if row is None or row.deleted_at is not None or row.state != FileState.UPLOADING:
        return
    upload = uploads.from_row(services, row, audit.SYSTEM)
    try:
        key = uploads.key_of(services, file_id)
        upload = _join(services, upload, key)
    except (OffsetMismatch, UploadGone):  # another process was here, or the file was taken away
        log.info("upload.joining_overtaken")
    except CryptoError as error:
        log.warning("upload.part_damaged", error=type(error).__name__)
        _give_up(services, upload)


def _join(services: Services, upload: Upload, key: Secret[bytes]) -> Upload:
    position = 0
    for source in _sources(services, upload.file_id):
        position += source.segment.length
        if position <= upload.offset:
            continue  # committed by an earlier run
        upload = upload_committing.commit(services, upload, key, [_copied(services, upload, key, source)])
    return upload


def _sources(services: Services, file_id: str) -> Iterator[_Source]:
    parts = sa.select(files.c.id).where(files.c.joined_into == file_id).order_by(files.c.joined_position)
    with services.database.read() as tx:
        part_ids = list(tx.execute(parts).scalars())
    for part_id in part_ids:
        with services.database.read() as tx:
            stored = upload_committing.stored_segments(tx, part_id)
        manifest = Manifest("part", "", sum(segment.length for segment in stored), stored)
        opened = StoredFile(part_id, uploads.key_of(services, part_id), manifest)
        yield from (_Source(opened, segment) for segment in stored)


def _copied(services: Services, upload: Upload, key: Secret[bytes], source: _Source) -> Segment:
    segment = Segment(new_id(services.random), services.random(SALT_BYTES), source.segment.length)
    tenant = services.settings.service_code
    writer = Writer(Cipher(key, tenant, upload.file_id, segment.id, segment.salt))
    for chunk in stored_files.read(services, source.stored, Part(source.segment, 0, source.segment.length)):
        writer.write(chunk)
    services.blobs.put(segments.object_key(upload.file_id, segment.id), writer.finish())
    return segment


def _give_up(services: Services, upload: Any) -> None:
    """What a part holds can no longer be read: the file cannot become what was sent, and its room is given back."""
    with services.database.write() as tx:
        if erasure.mark(tx, services, upload.file_id):
            uploads.record(tx, services, "file.joining_failed", upload, outcome="damaged")
