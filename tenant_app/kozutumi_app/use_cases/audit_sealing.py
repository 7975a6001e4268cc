"""Puts the head of the audit log into the locked archive, where nobody can take it back (architecture.md §6 rule 5).

Every quarter of an hour in which something was recorded, and at latest after a thousand events. A seal is a row first
and an object then, so that an app killed in between puts the very same object. It is no event itself, or a log at rest
would grow by its own seals.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
import structlog
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import audit_seals
from kozutumi_app.errors import ObjectMissing
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit, audit_restoring, audit_signing, jobs
from kozutumi_contract import audit_seals as seals
from kozutumi_contract.audit_seals import Seal

KIND: Final = "seal-audit"
HEAD: Final = "head"
INTERVAL: Final = timedelta(minutes=15)
MOST_EVENTS: Final = 1000

log = structlog.get_logger()


def consider(services: Services) -> None:
    """Ask for a seal when one is due. Cheap: called every few seconds."""
    now = services.clock.now()
    with services.database.read() as tx:
        if not _is_due(tx, now) or jobs.is_waiting(tx, KIND, HEAD):
            return
    with services.database.write() as tx:
        jobs.enqueue(tx, KIND, HEAD, now)


def seal(services: Services, subject: str = HEAD) -> None:
    """Worker of job `seal-audit`. Raises StorageUnavailable, to be tried again."""
    del subject
    store_waiting(services)
    audit_restoring.look(services)
    with services.database.write() as tx:
        prepare(tx, services)
    store_waiting(services)


def prepare(tx: Connection, services: Services) -> int | None:
    """Write down a seal of the head; its number, or None where the head is sealed. It is stored by the job."""
    key = audit_signing.key(tx, services)  # first: it may be an event itself
    sequence, digest = audit.head(tx)
    last = latest(tx)
    if last is not None and (last.sequence, last.hash) == (sequence, digest):
        return None
    now = services.clock.now()
    number, previous = audit_restoring.place_after(tx, services)
    made = Seal(
        service_code=services.settings.service_code,
        number=number,
        sequence=sequence,
        hash=digest.hex(),
        time=audit.format_time(now),
        previous=previous,
    )
    document = seals.render(made, key).decode()
    values = {"number": number, "sequence": sequence, "hash": digest, "time": now, "document": document}
    tx.execute(sa.insert(audit_seals).values(values))
    return number


def store_waiting(services: Services) -> None:
    with services.database.read() as tx:
        rows = tx.execute(sa.select(audit_seals).where(audit_seals.c.stored_at.is_(None))).all()
    for row in sorted(rows, key=lambda each: each.number):
        _store(services, row)


def latest(tx: Connection) -> Any:
    """Row of the newest seal, stored or not; None before the first."""
    return tx.execute(sa.select(audit_seals).order_by(audit_seals.c.number.desc()).limit(1)).one_or_none()


def newest_stored(tx: Connection) -> int | None:
    """Sequence number of the newest head that lies in the archive."""
    stored = sa.select(audit_seals.c.sequence).where(audit_seals.c.stored_at.is_not(None))
    return tx.execute(stored.order_by(audit_seals.c.number.desc()).limit(1)).scalar_one_or_none()


def documents(
    services: Services, *, first: int = 0, last: int | None = None, after: int = 0, limit: int | None = None
) -> Iterator[str]:
    """The seals of heads from `first` to `last`, one a line, oldest first: at most `limit`, after number `after`."""
    query = sa.select(audit_seals.c.document).where(audit_seals.c.sequence >= max(first, 1))
    if last is not None:
        query = query.where(audit_seals.c.sequence <= last)
    page = query.where(audit_seals.c.number > after).order_by(audit_seals.c.number).limit(limit)
    with services.database.read() as tx:
        found = tx.execute(page).scalars().all()
    yield from found


def _is_due(tx: Connection, now: datetime) -> bool:
    last = latest(tx)
    sequence, _ = audit.head(tx)
    if last is None:
        return sequence > 0
    if last.stored_at is None:
        return True
    new: int = sequence - last.sequence
    return new != 0 and bool(new >= MOST_EVENTS or now - last.time >= INTERVAL)


def _store(services: Services, row: Any) -> None:
    """What lies there already was put by a run that died before it could say so; it is not put again."""
    name, document = seals.object_name(row.number), row.document.encode()
    try:
        there: bytes | None = services.archive.get(name)
    except ObjectMissing:
        there = None
    if there != document:
        services.archive.put(name, document)
    with services.database.write() as tx:
        stored = sa.update(audit_seals).where(audit_seals.c.number == row.number)
        tx.execute(stored.values(stored_at=services.clock.now()))
    log.info("audit.sealed", number=row.number, sequence=row.sequence)
