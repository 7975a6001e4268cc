"""The scanner's side of housekeeping: new signatures lead to new scans, and no file waits past its deadline."""

from __future__ import annotations

from kozutumi_app.services import Services
from kozutumi_app.use_cases import rescan, scan, scan_demand
from kozutumi_app.use_cases.health import HealthMonitor


class ScanWatch:
    def __init__(self, services: Services, health: HealthMonitor) -> None:
        self._services, self._health = services, health
        self._started = services.clock.now()
        self._noted = False

    def look(self) -> None:
        if not self._noted:
            with self._services.database.write() as tx:
                scan_demand.note_start(tx, self._services)
            self._noted = True
        latest = self._health.latest()
        if latest is not None:
            rescan.observe(self._services, latest.scanner, latest.at)
        scan.give_up_overdue(self._services, self._started)
