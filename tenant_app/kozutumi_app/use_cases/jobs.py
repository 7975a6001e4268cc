"""The durable queue of long work (architecture.md §6 rule 6): rows claimed with a lease, run at least once.

A killed app loses no job, because a row goes only after its worker returned; a worker must be idempotent.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
import structlog
from sqlalchemy import Connection
from sqlalchemy.dialects.sqlite import insert as upsert

from kozutumi_app.adapters.database.schema import jobs
from kozutumi_app.domain.identifiers import new_id
from kozutumi_app.errors import DatabaseUnavailable, KozutumiError, Unavailable
from kozutumi_app.services import Services

Worker = Callable[[str], None]

LEASE: Final = timedelta(minutes=1)  # how long a killed app's jobs stay unclaimed
_FIRST_DELAY_SECONDS: Final = 2.0
_LONGEST_DELAY_SECONDS: Final = 20.0
# Seconds. Looking is most of what an app does at rest, so only those whom somebody waits for look often.
PAUSE: Final = 0.5
LONG_PAUSE: Final = 2.5
_WAITING: Final = "waiting"

log = structlog.get_logger()


class RetryLater(Unavailable):
    """Raised by a worker to be run again after `retry_after` seconds."""

    code = "retry_later"


@dataclass(frozen=True, slots=True)
class Claim:
    kind: str
    subject_id: str
    lease_id: str
    generation: int
    attempts: int


def enqueue(tx: Connection, kind: str, subject_id: str, run_at: datetime) -> None:
    """Ask for a job; asking again while it waits makes it run no later than `run_at`, and while it runs once more then.

    So a worker that finds itself too early comes back by asking for its own job.
    """
    row = {"kind": kind, "subject_id": subject_id, "state": _WAITING, "run_at": run_at, "generation": 0, "attempts": 0}
    asking = {"occasion": sa.func.lower(sa.func.hex(sa.func.randomblob(16))), "asked_at": run_at}
    statement = upsert(jobs).values(row | asking)
    is_under_way = sa.and_(jobs.c.lease_id.is_not(None), jobs.c.claimed_generation == jobs.c.generation)
    earlier = sa.func.min(jobs.c.run_at, statement.excluded.run_at)
    next_time = sa.case((is_under_way, statement.excluded.run_at), else_=earlier)
    changed = {"run_at": next_time, "state": _WAITING, "generation": jobs.c.generation + 1, "attempts": 0}
    changed |= {name: statement.excluded[name] for name in asking}
    tx.execute(statement.on_conflict_do_update(index_elements=["kind", "subject_id"], set_=changed))


def is_waiting(tx: Connection, kind: str, subject_id: str) -> bool:
    there = sa.exists().where(jobs.c.kind == kind, jobs.c.subject_id == subject_id)
    return tx.execute(sa.select(there)).scalar_one()


def claim(tx: Connection, services: Services, kinds: Sequence[str]) -> Claim | None:
    """Take the most overdue job of these kinds under a lease, or None."""
    now = services.clock.now()
    row = tx.execute(sa.select(jobs).where(_due(now, kinds)).order_by(jobs.c.run_at).limit(1)).one_or_none()
    if row is None:
        return None
    taken = Claim(row.kind, row.subject_id, new_id(services.random), row.generation, row.attempts + 1)
    values = {
        "lease_until": now + LEASE,
        "lease_id": taken.lease_id,
        "claimed_generation": taken.generation,
        "attempts": taken.attempts,
    }
    tx.execute(_of(taken.kind, taken.subject_id).values(values))
    return taken


def finish(tx: Connection, taken: Claim) -> None:
    """Remove the job, unless its lease was lost or it was asked for again meanwhile (then it runs once more)."""
    mine = sa.and_(*_is(taken), jobs.c.lease_id == taken.lease_id)
    tx.execute(sa.delete(jobs).where(mine, jobs.c.generation == taken.generation))
    tx.execute(sa.update(jobs).where(mine).values(lease_until=None, lease_id=None))


def postpone(tx: Connection, services: Services, taken: Claim, error: KozutumiError | None) -> None:
    """Give the job back, to be run after a delay that doubles up to twenty seconds."""
    doubled = _FIRST_DELAY_SECONDS * 2 ** min(taken.attempts - 1, 10)
    seconds = float(error.retry_after) if error and error.retry_after else min(doubled, _LONGEST_DELAY_SECONDS)
    values = {
        "run_at": services.clock.now() + timedelta(seconds=seconds),
        "lease_until": None,
        "lease_id": None,
        "last_error": error.code if error else "internal",
    }
    tx.execute(sa.update(jobs).where(*_is(taken), jobs.c.lease_id == taken.lease_id).values(values))


def renew(tx: Connection, services: Services, taken: Claim) -> bool:
    """Prolong the lease of a long job; False when it was lost."""
    mine = sa.and_(*_is(taken), jobs.c.lease_id == taken.lease_id)
    return tx.execute(sa.update(jobs).where(mine).values(lease_until=services.clock.now() + LEASE)).rowcount == 1


def run_one(services: Services, workers: Mapping[str, Worker]) -> bool:
    """Claim and run at most one job; False when none is due."""
    now = services.clock.now()
    with services.database.read() as tx:
        if not _any_due(tx, now, list(workers)):
            return False
    with services.database.write() as tx:
        taken = claim(tx, services, list(workers))
    if taken is None:
        return False
    with _Renewal(services, taken):
        _work(services, workers[taken.kind], taken)
    return True


def run_until_stopped(
    services: Services, workers: Mapping[str, Worker], stop: threading.Event, *, pause: float = PAUSE
) -> None:
    """Body of a worker thread: run what is due, wait `pause` seconds when nothing is."""
    while not stop.is_set():
        try:
            busy = run_one(services, workers)
        except DatabaseUnavailable:
            log.warning("jobs.database_unavailable")
            busy = False
        if not busy:
            stop.wait(pause)


def _work(services: Services, worker: Worker, taken: Claim) -> None:
    try:
        worker(taken.subject_id)
    except KozutumiError as error:
        outcome = "postponed"
        with services.database.write() as tx:
            postpone(tx, services, taken, error)
        log.info("jobs.postponed", kind=taken.kind, code=error.code, attempts=taken.attempts)
    except Exception as error:  # noqa: BLE001 - a defect in one job must not end the thread that runs all the others
        outcome = "failed"
        with services.database.write() as tx:
            postpone(tx, services, taken, None)
        # Only the type: a message may hold a name or an address.
        log.error("jobs.failed", kind=taken.kind, error=type(error).__name__)  # noqa: TRY400 - as the comment says
    else:
        outcome = "done"
        with services.database.write() as tx:
            finish(tx, taken)
    services.metrics.jobs_run.labels(taken.kind, outcome).inc()


class _Renewal:
    """Prolongs the lease at a third of its life for as long as the worker runs."""

    def __init__(self, services: Services, taken: Claim) -> None:
        self._services, self._taken = services, taken
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._done.wait(LEASE.total_seconds() / 3):
            try:
                with self._services.database.write() as tx:
                    renew(tx, self._services, self._taken)
            except DatabaseUnavailable:
                log.warning("jobs.lease_not_renewed", kind=self._taken.kind)


def _any_due(tx: Connection, now: datetime, kinds: Sequence[str]) -> bool:
    return tx.execute(sa.select(sa.exists().where(_due(now, kinds)))).scalar_one()


def _due(now: datetime, kinds: Sequence[str]) -> sa.ColumnElement[bool]:
    """A lease that ran out is a run that never ended: due at once, whatever was asked for meanwhile."""
    its_time = sa.and_(jobs.c.run_at <= now, jobs.c.lease_id.is_(None))
    cut_short = sa.and_(jobs.c.lease_id.is_not(None), jobs.c.lease_until <= now)
    return sa.and_(jobs.c.state == _WAITING, jobs.c.kind.in_(kinds), sa.or_(its_time, cut_short))


def _is(taken: Claim) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return jobs.c.kind == taken.kind, jobs.c.subject_id == taken.subject_id


def _of(kind: str, subject_id: str) -> sa.Update:
    return sa.update(jobs).where(jobs.c.kind == kind, jobs.c.subject_id == subject_id)
