"""Threads beside the servers: workers of the job queue, and housekeeping every few seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

import sqlalchemy as sa
import structlog

from kozutumi_app.adapters.database.schema import jobs as job_rows
from kozutumi_app.errors import DatabaseUnavailable, KozutumiError
from kozutumi_app.services import Services
from kozutumi_app.use_cases import (
    approval_jobs,
    approval_watch,
    audit,
    audit_keeping,
    audit_sealing,
    delivering,
    digests,
    erasure,
    jobs,
    mailing,
    reconciling,
    rewrap,
    scan,
    sender_notices,
    transfers,
    upload,
    upload_joining,
    usage,
)
from kozutumi_app.use_cases.health import HealthMonitor
from kozutumi_app.use_cases.scan_watch import ScanWatch

_EVERY_SECONDS: Final = 5.0
AWAITED: Final = frozenset({"scan", "mail", upload_joining.KIND})

log = structlog.get_logger()


def workers(services: Services) -> dict[str, jobs.Worker]:
    """Every kind of job, by name."""
    return {
        "scan": partial(scan.scan, services),
        "mail": partial(mailing.send, services),
        "expire": partial(transfers.expire, services),
        approval_jobs.KIND: partial(approval_watch.look, services),
        delivering.KIND: partial(delivering.release, services),
        digests.KIND: partial(digests.compute, services),
        audit_sealing.KIND: partial(audit_sealing.seal, services),
        audit_keeping.KIND: partial(audit_keeping.keep, services),
        erasure.KIND: partial(erasure.erase, services),
        rewrap.KIND: partial(rewrap.rewrap, services),
        upload_joining.KIND: partial(upload_joining.join, services),
        reconciling.KIND: partial(reconciling.reconcile, services),
        sender_notices.KIND: partial(sender_notices.warn, services),
    }


class Background:
    """One thread for scans and one for re-wrapping, which are long, one for mail, one for other jobs.

    And one each for readiness, health, the key ring (`follow_keys`) and housekeeping.
    """

    def __init__(
        self,
        services: Services,
        health: HealthMonitor,
        ready: Callable[[bool], None],
        follow_keys: Callable[[], object],
    ) -> None:
        self._services, self._health, self._ready = services, health, ready
        self._stop = threading.Event()
        every = workers(services)
        own = ("scan", "mail", rewrap.KIND, upload_joining.KIND, reconciling.KIND, digests.KIND)
        groups = [*({kind} for kind in own), set(every) - set(own)]
        self._threads = [self._worker({kind: every[kind] for kind in sorted(group)}) for group in groups]
        # Readiness is a thread of its own: a store or relay that hangs must not make the app look dead.
        self._threads += [
            self._periodic("readiness", [self._check_database]),
            self._periodic("health", [self._health.current]),
            self._periodic("keys", [follow_keys]),
            self._periodic("scanning", [ScanWatch(services, health).look]),
            self._periodic(
                "housekeeping",
                [
                    partial(upload.expire_due, services),
                    partial(reconciling.schedule, services),
                    partial(audit_sealing.consider, services),
                    partial(audit_keeping.consider, services),
                    partial(measure, services),
                ],
            ),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Return once every job that runs has ended; the queue keeps the others."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _worker(self, group: Mapping[str, jobs.Worker]) -> threading.Thread:
        name = "jobs " + " ".join(group)
        pause = jobs.PAUSE if AWAITED & set(group) else jobs.LONG_PAUSE
        run = partial(jobs.run_until_stopped, self._services, group, self._stop, pause=pause)
        return threading.Thread(target=run, name=name, daemon=True)

    def _periodic(self, name: str, tasks: Sequence[Callable[[], object]]) -> threading.Thread:
        def run() -> None:
            while True:
                for task in tasks:
                    self._guarded(name, task)
                if self._stop.wait(_EVERY_SECONDS):
                    return

        return threading.Thread(target=run, name=name, daemon=True)

    def _check_database(self) -> None:
        try:
            self._services.database.check()
        except DatabaseUnavailable:
            self._ready(False)
            raise
        self._ready(True)

    def _guarded(self, name: str, act: Callable[[], object]) -> None:
        try:
            act()
        except KozutumiError as error:
            log.warning("housekeeping.postponed", task=name, code=error.code)
        except Exception as error:  # noqa: BLE001 - a defect in one task must not end the others
            log.error("housekeeping.failed", task=name, error=type(error).__name__)  # noqa: TRY400 - a message may hold a name


def measure(services: Services) -> None:
    """Set the gauges that come from the database."""
    metrics, now = services.metrics, services.clock.now()
    oldest = sa.select(job_rows.c.kind, sa.func.count().label("waiting"), sa.func.min(job_rows.c.run_at).label("since"))
    with services.database.read() as tx:
        used = usage.measure(tx)
        sequence, _ = audit.head(tx)
        rows = {row.kind: row for row in tx.execute(oldest.group_by(job_rows.c.kind))}
    metrics.usage_bytes.set(used.bytes)
    metrics.audit_sequence.set(sequence)
    for kind in ("scan", "mail", "expire", erasure.KIND, rewrap.KIND, audit_sealing.KIND):
        row = rows.get(kind)
        metrics.jobs_waiting.labels(kind).set(row.waiting if row else 0)
        overdue = (now - row.since).total_seconds() if row else 0.0
        metrics.oldest_job_seconds.labels(kind).set(max(0.0, overdue))
