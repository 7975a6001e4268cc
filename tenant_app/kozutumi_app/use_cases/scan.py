"""Job `scan`: read back what is stored, show it to the scanner, and bind the verdict to exactly that manifest.

A file that gets no verdict is tried again, within the bounds of domain.scanning, and then ends as Unscannable.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
import structlog

from kozutumi_app.adapters.database.schema import files
from kozutumi_app.crypto.encoding import CryptoError
from kozutumi_app.domain.digests import Digests
from kozutumi_app.domain.files import MAX_SCANNABLE_BYTES, FileState, state_after
from kozutumi_app.domain.media_types import HEAD_BYTES
from kozutumi_app.domain.ports import ScannerStatus, Verdict
from kozutumi_app.domain.scanning import Again, Reason, after_failure, is_overdue
from kozutumi_app.errors import ObjectMissing, ScannerUnavailable, SignaturesStale
from kozutumi_app.services import Services
from kozutumi_app.use_cases import readability, rescan, scanner_facts, stored_files, verdicts
from kozutumi_app.use_cases.stored_files import StoredFile

KIND: Final = "scan"
# What the agent answers before it takes any of the content: no fault of the content's.
_NOT_TAKEN: Final = frozenset({"busy", "signatures_missing"})

bound_verdict = readability.bound_verdict
log = structlog.get_logger()


@dataclass(slots=True)
class _Attempt:
    """`taken`: the scanner worked and was sent the content. `digest` is of the `seen` bytes that were, `head` the first."""

    taken: bool = False
    seen: int = 0
    head: bytes = b""
    digest: Digests = field(default_factory=Digests)

    def content(self, services: Services, stored: StoredFile) -> Iterator[bytes]:
        for part in stored_files.parts(stored.manifest, 0, stored.manifest.total):
            for chunk in stored_files.read(services, stored, part):
                self.digest.update(chunk)
                self.seen += len(chunk)
                self.head += chunk[: HEAD_BYTES - len(self.head)]
                yield chunk

    def peek(self, services: Services, stored: StoredFile) -> None:
        for part in stored_files.parts(stored.manifest, 0, HEAD_BYTES):
            self.head += b"".join(stored_files.read(services, stored, part))


def scan(services: Services, file_id: str) -> None:
    """Give the file its verdict; StorageUnavailable or ScannerUnavailable to be tried again.

    A file that waits ends at last: as what the scanner finds, or as Unscannable. One that is Clean already, and is only
    looked at again with newer signatures, stays Clean while no verdict comes; `rescan` keeps it from delivery.
    """
    with services.database.read() as tx:
        row = tx.execute(sa.select(files).where(files.c.id == file_id)).one_or_none()
        wanted = row is not None and (row.state == FileState.SCANNING or rescan.is_wanted(tx, services, row))
    if row is None or not wanted:
        return
    attempt = _Attempt()
    try:
        verdict, state = _verdict(services, row, attempt)
    except ScannerUnavailable as error:
        _failed(services, row, attempt, error)
        return
    digests = attempt.digest if attempt.seen == row.size else None
    verdicts.settle(services, row, verdict, state, digests=digests, head=attempt.head)


def give_up_overdue(services: Services, started: datetime) -> int:
    """End the wait of files whose deadline is over, however long the queue before them; returns how many."""
    since = sa.func.coalesce(files.c.scan_since, files.c.updated_at)
    now, deadline = services.clock.now(), _deadline(services)
    due = sa.select(files).where(files.c.state == FileState.SCANNING, files.c.deleted_at.is_(None))
    with services.database.read() as tx:
        rows = tx.execute(due.where(since <= now - deadline)).all()
    rows = [row for row in rows if is_overdue(_since(row), now, deadline, started)]
    for row in rows:
        _give_up(services, row, Reason.TIMEOUT)
    return len(rows)


def _verdict(services: Services, row: Any, attempt: _Attempt) -> tuple[Verdict, FileState]:
    try:
        verdict = _asked(services, stored_files.open_file(services, row.id, row.manifest_id), attempt)
    except (CryptoError, ObjectMissing) as error:
        log.warning("scan.stored_file_damaged", error=type(error).__name__)
        verdict = _unscannable(Reason.DAMAGED)
    age = timedelta(seconds=services.settings.maximum_signature_age)
    state = state_after(verdict, services.clock.now(), age)
    if state is None:
        attempt.taken = False  # it did its part; its signatures are what is wrong
        raise SignaturesStale
    return verdict, state


def _asked(services: Services, stored: StoredFile, attempt: _Attempt) -> Verdict:
    size = stored.manifest.total
    if size > MAX_SCANNABLE_BYTES:
        attempt.peek(services, stored)
        return _unscannable(Reason.TOO_LARGE)
    status = _fresh_scanner(services)
    if status.max_scan_size is not None and size > status.max_scan_size:
        attempt.peek(services, stored)
        return _unscannable(Reason.TOO_LARGE)
    attempt.taken = True
    return services.scanner.scan(attempt.content(services, stored))


def _fresh_scanner(services: Services) -> ScannerStatus:
    """Ask before sending a whole file to a scanner whose verdict would not count."""
    at = services.clock.now()
    status = services.scanner.status()
    if not status.ok:
        raise ScannerUnavailable(status.message)
    age = status.signature_age_seconds
    if age is None or age > services.settings.maximum_signature_age:
        raise SignaturesStale
    with services.database.read() as tx:
        news = scanner_facts.known(tx).version != status.signature_version
    if news:
        rescan.observe(services, status, at)
    return status


def _failed(services: Services, row: Any, attempt: _Attempt, error: ScannerUnavailable) -> None:
    """Note the try; raise to be run again, or settle that there will be no verdict."""
    attempts = (row.scan_attempts or 0) + (attempt.taken and error.detail not in _NOT_TAKEN)
    waits, now = row.state == FileState.SCANNING, services.clock.now()
    next_step = after_failure(_since(row) if waits else now, now, _deadline(services), attempts)
    if isinstance(next_step, Again):
        verdicts.note_attempts(services, row, attempts)
        error.retry_after = next_step.seconds
        raise error
    if waits:
        _give_up(services, row, next_step.reason)
    else:
        verdicts.note_attempts(services, row, None)


def _give_up(services: Services, row: Any, reason: Reason) -> None:
    log.warning("scan.given_up", reason=str(reason), attempts=row.scan_attempts or 0)
    verdicts.settle(services, row, _unscannable(reason), FileState.UNSCANNABLE)


def _unscannable(reason: Reason) -> Verdict:
    return Verdict("unscannable", None, str(reason), None, None)


def _since(row: Any) -> datetime:
    since: datetime = row.scan_since or row.updated_at
    return since


def _deadline(services: Services) -> timedelta:
    return timedelta(seconds=services.settings.scan_deadline)
