"""What the scanner last said of itself, kept for the times when it sleeps or does not answer."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from kozutumi_app.domain.files import MAX_SCANNABLE_BYTES
from kozutumi_app.domain.ports import ScannerStatus
from kozutumi_app.services import Services
from kozutumi_app.use_cases import settings_store

_KEY: Final = "scanner_facts"
_LAST_SCAN: Final = "scanner_last_scan"


@dataclass(frozen=True, slots=True)
class Known:
    """`at` is RFC 3339. `max_scan_size`: bytes of the largest file that it takes."""

    version: str | None = None
    max_scan_size: int | None = None
    at: str = ""


def known(tx: Connection) -> Known:
    stored = settings_store.get(tx, _KEY)
    return Known(**json.loads(stored)) if stored else Known()


def note(tx: Connection, status: ScannerStatus, at: datetime) -> bool:
    """Keep what a scanner that works said at `at`, unless something newer is known; whether its signatures are others."""
    before, said = known(tx), at.isoformat()
    if not status.ok or status.signature_version is None or said < before.at:
        return False
    if (before.version, before.max_scan_size) != (status.signature_version, status.max_scan_size):
        settings_store.put(tx, _KEY, json.dumps(asdict(Known(status.signature_version, status.max_scan_size, said))))
    return before.version != status.signature_version


def largest(services: Services) -> int:
    """Bytes of the largest file that can be scanned, as told before an upload starts."""
    with services.database.read() as tx:
        return min(known(tx).max_scan_size or MAX_SCANNABLE_BYTES, MAX_SCANNABLE_BYTES)


def note_scan(tx: Connection, services: Services) -> None:
    settings_store.put(tx, _LAST_SCAN, services.clock.now().isoformat())


def last_scan(tx: Connection) -> datetime | None:
    """When a file last got a verdict or lost its turn."""
    stored = settings_store.get(tx, _LAST_SCAN)
    return datetime.fromisoformat(stored) if stored else None
