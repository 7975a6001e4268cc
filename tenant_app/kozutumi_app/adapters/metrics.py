"""Counters and gauges of one process. No label ever holds an id, a name or an address."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        registry = self.registry
        self.requests = Counter(
            "kozutumi_http_requests", "Requests answered.", ["method", "route", "status"], registry=registry
        )
        self.request_seconds = Histogram(
            "kozutumi_http_request_seconds",
            "Time to the end of an answer.",
            ["route"],
            registry=registry,
            buckets=(0.005, 0.02, 0.1, 0.5, 2, 10, 60),
        )
        self.refusals = Counter(
            "kozutumi_refusals", "Refusals of nobody in particular, by code.", ["code"], registry=registry
        )
        self.sign_ins = Counter("kozutumi_sign_ins", "Sign-ins by outcome.", ["outcome"], registry=registry)
        self.verdicts = Counter("kozutumi_verdicts", "Scan verdicts.", ["verdict"], registry=registry)
        self.uploaded_bytes = Counter("kozutumi_uploaded_bytes", "Plaintext bytes committed.", registry=registry)
        self.downloaded_bytes = Counter("kozutumi_downloaded_bytes", "Plaintext bytes sent.", registry=registry)
        self.jobs_run = Counter(
            "kozutumi_jobs_run", "Jobs run by kind and outcome.", ["kind", "outcome"], registry=registry
        )
        self.jobs_waiting = Gauge("kozutumi_jobs_waiting", "Jobs in the queue.", ["kind"], registry=registry)
        self.oldest_job_seconds = Gauge(
            "kozutumi_oldest_job_seconds", "How long the most overdue job waits.", ["kind"], registry=registry
        )
        self.usage_bytes = Gauge("kozutumi_usage_bytes", "Declared sizes of live files.", registry=registry)
        self.active_uploads = Gauge("kozutumi_active_uploads", "PATCH requests running.", registry=registry)
        self.active_downloads = Gauge("kozutumi_active_downloads", "Downloads running.", registry=registry)
        self.up = Gauge("kozutumi_part_up", "1 when the part answers.", ["part"], registry=registry)
        self.discrepancies = Gauge(
            "kozutumi_discrepancies",
            "What the latest comparison of database and bucket found and left.",
            ["kind"],
            registry=registry,
        )
        self.repaired_discrepancies = Counter(
            "kozutumi_repaired_discrepancies", "What comparisons have repaired.", ["kind"], registry=registry
        )
        self.reconciled_at = Gauge(
            "kozutumi_reconciled_timestamp_seconds",
            "End of the latest comparison of database and bucket.",
            registry=registry,
        )
        self.audit_sequence = Gauge("kozutumi_audit_sequence", "Sequence number of the audit head.", registry=registry)

    def running(self) -> tuple[int, int]:
        """Uploads and downloads that run in this process now."""
        return _value(self.active_uploads), _value(self.active_downloads)


def _value(gauge: Gauge) -> int:
    return int(next(iter(gauge.collect())).samples[0].value)
