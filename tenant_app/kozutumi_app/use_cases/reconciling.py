"""Job `reconcile`: compare the bucket with the database both ways, repair what is safe, and say so.

Nothing younger than GRACE is touched: an upload that commits nothing for LIFETIME has expired, so what was put
longer ago than that and is not in the database will never be. Under legal hold nothing is destroyed.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeVar

import sqlalchemy as sa
import structlog
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import files, segments
from kozutumi_app.domain.ports import StoredObject
from kozutumi_app.domain.reconciliation import (
    REMOVABLE,
    Discrepancy,
    Kind,
    KnownFile,
    State,
    judge_file,
    judge_object,
    too_many,
)
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit, erasure, jobs, reconciliation_report, settings_store
from kozutumi_app.use_cases.reconciliation_report import Found
from kozutumi_app.use_cases.upload import LIFETIME

KIND: Final = reconciliation_report.JOB
SUBJECT: Final = reconciliation_report.SUBJECT
INTERVAL: Final = timedelta(hours=6)
GRACE: Final = LIFETIME + timedelta(hours=1)  # the store's clock may differ from ours
_BATCH: Final = 200
_MOST: Final = 10_000  # of one comparison; the next goes on
_NAMED: Final = 20
_LAST: Final = "reconciled_at"

log = structlog.get_logger()
T = TypeVar("T")


def schedule(services: Services) -> None:
    """Ask for a comparison when the latest is INTERVAL old. Called every few seconds."""
    now = services.clock.now()
    with services.database.read() as tx:
        last = settings_store.get(tx, _LAST)
        due = last is None or now - datetime.fromisoformat(last) >= INTERVAL
        if not due or jobs.is_waiting(tx, KIND, SUBJECT):
            return
    with services.database.write() as tx:
        jobs.enqueue(tx, KIND, SUBJECT, now)


def reconcile(services: Services, subject: str) -> None:
    """Idempotent; StorageUnavailable and DatabaseUnavailable leave it to be run again."""
    del subject
    started = services.clock.now()
    before = started - GRACE
    objects, found = _compare_objects(services, before)
    looked_at, lost = _compare_files(services)
    outcome = [Found(one, State.OPEN) for one in lost]
    outcome += [Found(one, State.OPEN) for one in found if one.kind is Kind.FOREIGN_OBJECT]
    outcome += _finish_erasures(services, [one for one in found if one.kind is Kind.ERASED_WITH_OBJECTS])
    outcome += _remove(services, [one for one in found if one.kind in REMOVABLE], objects, before)
    outcome += _abort_multiparts(services, before)
    with services.database.write() as tx:
        settings_store.put(tx, _LAST, services.clock.now().isoformat())
        reconciliation_report.record(tx, services, started, objects, looked_at, outcome)
    log.info(
        "reconciliation.done",
        objects=objects,
        files=looked_at,
        found=len(outcome),
        repaired=sum(one.state is State.REPAIRED for one in outcome),
    )


def _compare_objects(services: Services, before: datetime) -> tuple[int, list[Discrepancy]]:
    """How many objects there are, and which of them no row names."""
    count, found = 0, dict[Discrepancy, None]()
    for batch in _batches(services.blobs.entries("")):
        count += len(batch)
        with services.database.read() as tx:
            known = _known(tx, {entry.key.partition("/")[0] for entry in batch})
        for entry in batch:
            discrepancy = judge_object(entry, known, before)
            if discrepancy is not None and len(found) < _MOST:
                found[discrepancy] = None
    return count, list(found)


def _compare_files(services: Services) -> tuple[int, list[Discrepancy]]:
    """How many files there are, and what they lack."""
    count, found, after = 0, list[Discrepancy](), ""
    while True:
        live = sa.select(files.c.id).where(files.c.deleted_at.is_(None), files.c.id > after)
        with services.database.read() as tx:
            file_ids = list(tx.execute(live.order_by(files.c.id).limit(_BATCH)).scalars())
            known = _known(tx, set(file_ids))
        if not file_ids:
            return count, found
        count, after = count + len(file_ids), file_ids[-1]
        for file_id in file_ids:
            lacking = _lacking(services, file_id, known[file_id])
            if lacking:  # taken away, or grown, since the row was read?
                with services.database.read() as tx:
                    again = _known(tx, {file_id}).get(file_id)
                found += _lacking(services, file_id, again) if again is not None else []


def _lacking(services: Services, file_id: str, file: KnownFile) -> list[Discrepancy]:
    names = {key.partition("/")[2] for key in services.blobs.list(f"{file_id}/")}
    return judge_file(file_id, file, names)


def _known(tx: Connection, file_ids: set[str]) -> dict[str, KnownFile]:
    ids = sorted(file_ids)
    rows = tx.execute(sa.select(files.c.id, files.c.manifest_id, files.c.deleted_at).where(files.c.id.in_(ids))).all()
    named: dict[str, set[str]] = {row.id: set() for row in rows}
    for row in tx.execute(sa.select(segments.c.file_id, segments.c.object_id).where(segments.c.file_id.in_(ids))):
        named[row.file_id].add(row.object_id)
    return {
        row.id: KnownFile(
            segments=named[row.id],
            manifest_id=row.manifest_id,
            deleted_at=row.deleted_at,
            erasure_waits=row.deleted_at is not None and jobs.is_waiting(tx, erasure.KIND, row.id),
        )
        for row in rows
    }


def _finish_erasures(services: Services, found: Sequence[Discrepancy]) -> list[Found]:
    """The job `erase` itself waits for the end of a legal hold."""
    if found:
        with services.database.write() as tx:
            for one in found:
                jobs.enqueue(tx, erasure.KIND, one.place, services.clock.now())
    return [Found(one, State.REPAIRED) for one in found]


def _remove(services: Services, found: Sequence[Discrepancy], objects: int, before: datetime) -> list[Found]:
    if not found:
        return []
    if services.settings.legal_hold or too_many(len(found), objects):
        return [Found(one, State.HELD_BACK) for one in found]
    with services.database.write() as tx:  # before it is done, so that nothing is ever destroyed unsaid
        named = ", ".join(one.place for one in found[:_NAMED])
        details = {"objects": str(len(found)), "names": named}
        audit.append(
            tx, services, type="storage.orphans_removed", actor_id=audit.SYSTEM, object_id=SUBJECT, details=details
        )
    done = []
    for batch in _batches(found):
        with services.database.read() as tx:
            known = _known(tx, {one.place.partition("/")[0] for one in batch})
        for one in batch:
            if judge_object(StoredObject(one.place, datetime.min.replace(tzinfo=before.tzinfo)), known, before) == one:
                services.blobs.delete(one.place)
                done.append(Found(one, State.REPAIRED))
    return done


def _abort_multiparts(services: Services, before: datetime) -> list[Found]:
    outcome = []
    for upload in services.blobs.unfinished() or ():
        if upload.started >= before:
            continue
        held = bool(services.settings.legal_hold)
        if not held:
            services.blobs.abort(upload)
        one = Discrepancy(Kind.UNFINISHED_MULTIPART, upload.key)
        outcome.append(Found(one, State.HELD_BACK if held else State.REPAIRED))
    return outcome


def _batches(values: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(values)
    while batch := list(itertools.islice(iterator, _BATCH)):
        yield batch
