"""Job `digest`: read a whole file for its SHA-256 and CRC-32, where no scan has read it whole."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
import structlog
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import files
from kozutumi_app.crypto.encoding import CryptoError
from kozutumi_app.domain.digests import Digests
from kozutumi_app.errors import ObjectMissing
from kozutumi_app.services import Services
from kozutumi_app.use_cases import jobs, stored_files

KIND: Final = "digest"

log = structlog.get_logger()


def request(tx: Connection, services: Services, file_id: str) -> None:
    """Have both computed soon. Asked again while it waits, it is one job."""
    jobs.enqueue(tx, KIND, file_id, services.clock.now())


def compute(services: Services, file_id: str) -> None:
    """Worker of the job. StorageUnavailable is tried again; a damaged or erased file keeps what it has."""
    with services.database.read() as tx:
        row = tx.execute(sa.select(files).where(files.c.id == file_id)).one_or_none()
    if row is None or row.deleted_at is not None or row.manifest_id is None or row.crc32_sealed is not None:
        return
    digests = Digests()
    try:
        stored = stored_files.open_file(services, file_id, row.manifest_id)
        for part in stored_files.parts(stored.manifest, 0, stored.manifest.total):
            for chunk in stored_files.read(services, stored, part):
                digests.update(chunk)
    except (CryptoError, ObjectMissing) as error:
        log.warning("digests.stored_file_damaged", error=type(error).__name__)
        return
    seal = services.columns.seal
    values = {
        "sha256_sealed": seal("files", "sha256_sealed", file_id, digests.sha256),
        "crc32_sealed": seal("files", "crc32_sealed", file_id, digests.crc32_hex),
    }
    same = sa.and_(files.c.id == file_id, files.c.manifest_id == row.manifest_id)
    with services.database.write() as tx:
        tx.execute(sa.update(files).where(same).values(values))
