"""Which parts answer: asked in the background, read by pages, status, metrics and probes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from kozutumi_app.domain.ports import ScannerStatus
from kozutumi_app.errors import DatabaseUnavailable, KozutumiError
from kozutumi_app.services import Services
from kozutumi_app.use_cases import scan_demand

INTERVAL: Final = timedelta(seconds=10)
_RECENT: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Part:
    ok: bool
    message: str


@dataclass(frozen=True, slots=True)
class Health:
    database: Part
    storage: Part
    mail: Part
    scanner: ScannerStatus
    at: datetime
    scanner_rests: bool = False

    @property
    def scanner_troubles(self) -> bool:
        """A scanner that was stopped because nothing waits for it is no trouble (spec.scanner.scaleToZeroAfter)."""
        return not self.scanner.ok and not self.scanner_rests


class HealthMonitor:
    """Asks each part at most once an interval, however many want to know."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._latest: Health | None = None

    def latest(self) -> Health | None:
        """Return the last known state at once; None before the first check."""
        return self._latest

    def current(self) -> Health:
        """Return the state, asking the parts if the last answer is older than the interval."""
        with self._lock:
            now = self._services.clock.now()
            if self._latest is None or now - self._latest.at >= INTERVAL:
                self._latest = self._ask(now)
            return self._latest

    def recent(self) -> Health:
        """Return the last answer without waiting for a slow part, unless it is missing or over a minute old."""
        latest = self._latest
        if latest is None or self._services.clock.now() - latest.at >= _RECENT:
            return self.current()
        return latest

    def _ask(self, now: datetime) -> Health:
        services = self._services
        scanner = services.scanner.status()
        health = Health(
            database=_asked(services.database.check),
            storage=_asked(services.blobs.check),
            mail=_asked(services.mailer.check),
            scanner=scanner,
            at=now,
            scanner_rests=_rests(services, scanner),
        )
        for name in ("database", "storage", "mail"):
            services.metrics.up.labels(name).set(getattr(health, name).ok)
        services.metrics.up.labels("scanner").set(not health.scanner_troubles)
        return health


def _rests(services: Services, scanner: ScannerStatus) -> bool:
    if scanner.ok or not services.settings.scanner_sleeps_after:
        return False
    try:
        with services.database.read() as tx:
            return not scan_demand.measure(tx, services).scan_waiting
    except DatabaseUnavailable:
        return False


def _asked(check: Callable[[], None]) -> Part:
    try:
        check()
    except KozutumiError as error:
        return Part(ok=False, message=error.title)
    return Part(ok=True, message="")
