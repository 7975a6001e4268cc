"""Looking again, with newer signatures, at what was clean and is not delivered yet.

Two roads: as soon as the scanner says that it has other signatures, whatever waits (for other files, for approval, for
the end of a hold) is scanned again in the background; and nothing is delivered on a verdict of older ones.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
import structlog
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import files, transfers
from kozutumi_app.domain.files import FileState, is_current
from kozutumi_app.domain.ports import ScannerStatus
from kozutumi_app.domain.transfers import BEFORE_DELIVERY, TransferState
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit, jobs, readability, scanner_facts

_WAITING: Final = BEFORE_DELIVERY - {TransferState.DRAFT}  # a draft's files are looked at when it is sent

log = structlog.get_logger()


def observe(services: Services, status: ScannerStatus, at: datetime) -> int:
    """Take in what the scanner said at `at`; returns how many files are to be scanned again."""
    with services.database.read() as tx:
        known = scanner_facts.known(tx)
    same = (known.version, known.max_scan_size) == (status.signature_version, status.max_scan_size)
    if not status.ok or status.signature_version is None or same:
        return 0
    with services.database.write() as tx:
        if not scanner_facts.note(tx, status, at):
            return 0
        query = sa.select(files).join(transfers).where(_is_clean(), transfers.c.state.in_(_WAITING))
        outdated = [row for row in tx.execute(query).all() if not _is_current(services, row, status.signature_version)]
        for row in outdated:
            jobs.enqueue(tx, "scan", row.id, services.clock.now())
    if outdated:
        log.info("rescan.signatures_changed", files=len(outdated))
    return len(outdated)


def is_wanted(tx: Connection, services: Services, row: Any) -> bool:
    """Whether a Clean file is to be looked at again: it is not delivered, and there are other signatures."""
    if row.state != FileState.CLEAN or row.deleted_at is not None:
        return False
    query = sa.select(transfers.c.state).where(transfers.c.id == row.transfer_id)
    waits = tx.execute(query).scalar_one_or_none() in BEFORE_DELIVERY
    return waits and not _is_current(services, row, scanner_facts.known(tx).version)


def require_current(tx: Connection, services: Services, transfer_id: str) -> bool:
    """Whether all that is Clean is so by current signatures; if not, those files wait for a verdict again.

    Call it right before delivery. A row without a sealed verdict is left alone: nobody can read it anyway.
    """
    version = scanner_facts.known(tx).version
    rows = tx.execute(sa.select(files).where(_is_clean(), files.c.transfer_id == transfer_id)).all()
    outdated = [row for row in rows if not _is_current(services, row, version)]
    now = services.clock.now()
    for row in outdated:
        again = {"state": FileState.SCANNING, "scan_since": now, "scan_attempts": None, "updated_at": now}
        tx.execute(sa.update(files).where(files.c.id == row.id).values(again))
        jobs.enqueue(tx, "scan", row.id, now)
        details = {"file": row.id, "signature_version": version or ""}
        audit.append(tx, services, type="file.rescan", actor_id=audit.SYSTEM, object_id=transfer_id, details=details)
    return not outdated


def _is_clean() -> sa.ColumnElement[bool]:
    return sa.and_(files.c.state == FileState.CLEAN, files.c.deleted_at.is_(None))


def _is_current(services: Services, row: Any, version: str | None) -> bool:
    bound = readability.bound_verdict(services, row)
    age = timedelta(seconds=services.settings.maximum_signature_age)
    return bound is None or is_current(bound, version, services.clock.now(), age)
