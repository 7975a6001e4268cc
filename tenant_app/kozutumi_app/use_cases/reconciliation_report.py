"""What comparisons of database and bucket have found: recorded, counted, and told to administrators."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects.sqlite import insert as upsert

from kozutumi_app.adapters.database.schema import discrepancies, reconciliations
from kozutumi_app.domain.identifiers import new_id
from kozutumi_app.domain.reconciliation import LOST, Discrepancy, Kind, State
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit, jobs

JOB: Final = "reconcile"
SUBJECT: Final = "content"
_KEPT: Final = timedelta(days=90)
_PLACE_LENGTH: Final = 512


@dataclass(frozen=True, slots=True)
class Found:
    discrepancy: Discrepancy
    state: State


@dataclass(frozen=True, slots=True)
class Comparison:
    """`objects` were listed and `files` looked at; of what was `found`, `repaired` is repaired."""

    started_at: datetime
    finished_at: datetime
    objects: int
    files: int
    found: int
    repaired: int


@dataclass(frozen=True, slots=True)
class Finding:
    """`place` is an object's name or a file's id: nothing of what the file holds or is called."""

    kind: str
    place: str
    state: str
    found_at: datetime
    seen_at: datetime

    @property
    def id(self) -> str:
        """Names it in a list of pages: a place may be longer than an address takes."""
        return sha256(f"{self.kind} {self.place}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Report:
    latest: Comparison | None
    findings: Sequence[Finding]


def record(
    tx: Connection,
    services: Services,
    started: datetime,
    objects: int,
    looked_at: int,
    outcome: Sequence[Found],
) -> None:
    """Store what one comparison found, and say so in the audit log and the metrics."""
    now = services.clock.now()
    known = {(row.kind, row.place) for row in tx.execute(sa.select(discrepancies.c.kind, discrepancies.c.place))}
    for one in outcome:
        _remember(tx, one, now)
    for one in outcome:
        key = (one.discrepancy.kind.value, one.discrepancy.place[:_PLACE_LENGTH])
        if one.discrepancy.kind in LOST and key not in known:
            _lament(tx, services, one.discrepancy)
    unseen = sa.and_(discrepancies.c.seen_at < now, discrepancies.c.state.in_((State.OPEN, State.HELD_BACK)))
    tx.execute(sa.update(discrepancies).where(unseen).values(state=State.GONE))
    tx.execute(sa.delete(discrepancies).where(discrepancies.c.seen_at < now - _KEPT))
    tx.execute(sa.delete(reconciliations).where(reconciliations.c.started_at < now - _KEPT))
    repaired = sum(one.state is State.REPAIRED for one in outcome)
    row = {"id": new_id(services.random), "started_at": started, "finished_at": now, "objects": objects}
    row |= {"files": looked_at, "found": len(outcome), "repaired": repaired}
    tx.execute(sa.insert(reconciliations).values(row))
    counts = Counter(f"{one.discrepancy.kind} {one.state}" for one in outcome)
    details = {"objects": str(objects), "files": str(looked_at)} | {name: str(n) for name, n in sorted(counts.items())}
    audit.append(
        tx,
        services,
        type="storage.reconciled",
        actor_id=audit.SYSTEM,
        object_id=SUBJECT,
        outcome="ok" if repaired == len(outcome) else "open",
        details=details,
    )
    _count(services, now, outcome)


def report(services: Services) -> Report:
    """The latest comparison, and what was found in the last ninety days, the newest first."""
    latest = sa.select(reconciliations).order_by(reconciliations.c.started_at.desc()).limit(1)
    open_first = sa.case((discrepancies.c.state.in_((State.OPEN, State.HELD_BACK)), 0), else_=1)
    found = sa.select(discrepancies).order_by(open_first, discrepancies.c.seen_at.desc(), discrepancies.c.place)
    with services.database.read() as tx:
        row = tx.execute(latest).one_or_none()
        findings = [Finding(one.kind, one.place, one.state, one.found_at, one.seen_at) for one in tx.execute(found)]
    comparison = None
    if row is not None:
        comparison = Comparison(row.started_at, row.finished_at, row.objects, row.files, row.found, row.repaired)
    return Report(comparison, findings)


def ask(services: Services, actor_id: str) -> None:
    """Ask for a comparison now, in an administrator's name."""
    with services.database.write() as tx:
        jobs.enqueue(tx, JOB, SUBJECT, services.clock.now())
        audit.append(tx, services, type="storage.comparison_asked", actor_id=actor_id, object_id=SUBJECT)


def _remember(tx: Connection, one: Found, now: datetime) -> None:
    row = {
        "kind": one.discrepancy.kind.value,
        "place": one.discrepancy.place[:_PLACE_LENGTH],
        "state": one.state.value,
        "found_at": now,
        "seen_at": now,
    }
    statement = upsert(discrepancies).values(row)
    changed = {"state": one.state.value, "seen_at": now}
    tx.execute(statement.on_conflict_do_update(index_elements=["kind", "place"], set_=changed))


def _lament(tx: Connection, services: Services, one: Discrepancy) -> None:
    """Once for each: what is lost stays lost."""
    file_id = one.place.partition("/")[0]
    audit.append(
        tx,
        services,
        type="file.content_missing",
        actor_id=audit.SYSTEM,
        object_id=file_id,
        outcome="failed",
        details={"what": one.kind.value, "object": one.place},
    )


def _count(services: Services, now: datetime, outcome: Iterable[Found]) -> None:
    left = Counter(one.discrepancy.kind for one in outcome if one.state is not State.REPAIRED)
    for kind in Kind:
        services.metrics.discrepancies.labels(kind.value).set(left[kind])
    for one in outcome:
        if one.state is State.REPAIRED:
            services.metrics.repaired_discrepancies.labels(one.discrepancy.kind.value).inc()
    services.metrics.reconciled_at.set(now.timestamp())
