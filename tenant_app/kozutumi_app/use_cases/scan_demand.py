"""Whether the scanner is needed, as told to the operator, which stops it when it is not (spec.scanner.scaleToZeroAfter)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import files, jobs
from kozutumi_app.domain.files import FileState
from kozutumi_app.services import Services
from kozutumi_app.use_cases import scanner_facts, settings_store

_UPLOAD_IS_FRESH: Final = timedelta(minutes=10)
_SINCE: Final = "scanner_wanted_since"


@dataclass(frozen=True, slots=True)
class Demand:
    """`scan_waiting`: a file waits for its verdict, or is being uploaded, so that the scanner is up when it is complete.

    `scan_idle_seconds`: since the last verdict or upload, or since the app first ran.
    """

    scan_waiting: bool
    scan_idle_seconds: int


def measure(tx: Connection, services: Services) -> Demand:
    now = services.clock.now()
    fresh = files.c.updated_at > now - _UPLOAD_IS_FRESH
    uploading = sa.and_(files.c.state.in_((FileState.UPLOADING, FileState.PART)), fresh)
    wanted = sa.and_(sa.or_(files.c.state == FileState.SCANNING, uploading), files.c.deleted_at.is_(None))
    queued = sa.exists().where(jobs.c.kind == "scan")
    waiting = tx.execute(sa.select(sa.or_(sa.exists().where(wanted), queued))).scalar_one()
    # By the index over states: a file with a verdict is in `last_scan`, and there are many of them.
    begun = files.c.state.in_((FileState.UPLOADING, FileState.PART, FileState.SCANNING))
    used = tx.execute(sa.select(sa.func.max(files.c.updated_at)).where(begun)).scalar_one()
    moments = [moment for moment in (used, scanner_facts.last_scan(tx), _started(tx)) if moment is not None]
    idle = int((now - max(moments)).total_seconds()) if moments else 0
    return Demand(bool(waiting), 0 if waiting else max(0, idle))


def note_start(tx: Connection, services: Services) -> None:
    """An organization in which nothing was ever scanned is idle since its app first ran."""
    if settings_store.get(tx, _SINCE) is None:
        settings_store.put(tx, _SINCE, services.clock.now().isoformat())


def _started(tx: Connection) -> datetime | None:
    stored = settings_store.get(tx, _SINCE)
    return datetime.fromisoformat(stored) if stored else None
