"""Metrics of the agent (port 9444, monitoring's certificate only). No label carries anything of a file."""

from __future__ import annotations

from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from kozutumi_scanner.signatures import View


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.scans = Counter("kozutumi_scanner_scans", "Scans by how they ended", ["verdict"], registry=self.registry)
        self.scan_seconds = Histogram(
            "kozutumi_scanner_scan_seconds",
            "Seconds from the first byte to the verdict",
            buckets=(0.01, 0.1, 0.5, 1, 5, 15, 60, 180, 600),
            registry=self.registry,
        )
        self.age = Gauge(
            "kozutumi_scanner_signature_age_seconds",
            "Seconds since the loaded signatures were known to be the newest; NaN if unknown",
            registry=self.registry,
        )
        self.clamd_up = Gauge("kozutumi_scanner_clamd_up", "1 if clamd answers", registry=self.registry)
        self.self_test = Gauge(
            "kozutumi_scanner_self_test", "1 if EICAR was found since clamd last loaded", registry=self.registry
        )

    def render(self, view: View, now: datetime | None = None) -> bytes:
        """The exposition format (version 0.0.4), with the gauges of this moment."""
        age = view.age(now or datetime.now(UTC))
        self.age.set(float("nan") if age is None else age)
        self.clamd_up.set(view.clamd_up)
        self.self_test.set(view.loaded is not None)
        return generate_latest(self.registry)
