"""Removing events whose time is over (`settings.audit_retention`): only a beginning that was sealed, and never under legal hold.

A checkpoint event takes the place of what goes: its `object_id` is the hash of the last removed event, on which the
rest still hangs. From then on nothing reads the removed events; their rows go in small transactions.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import audit_events, audit_removals, audit_seals
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit, jobs
from kozutumi_contract.audit_verifying import PRUNED

KIND: Final = "keep-audit"
LOG: Final = "log"
EVERY: Final = timedelta(days=1)
FEWEST: Final = 100  # a checkpoint is an event too: fewer are not worth one
_BATCH: Final = 2000


def consider(services: Services) -> None:
    """Look daily. Cheap: called every few seconds."""
    with services.database.read() as tx:
        if jobs.is_waiting(tx, KIND, LOG):
            return
        oldest = tx.execute(sa.select(sa.func.min(audit_events.c.sequence))).scalar_one()
    if oldest is not None:
        with services.database.write() as tx:
            jobs.enqueue(tx, KIND, LOG, services.clock.now() + EVERY)


def keep(services: Services, subject: str = LOG) -> None:
    """Worker of job `keep-audit`."""
    del subject
    if services.settings.legal_hold:
        return
    with services.database.write() as tx:
        _checkpoint(tx, services)
    while _remove_some(services):
        pass


def removable(tx: Connection, before: datetime) -> Any:
    """Row of the newest stored seal behind which every event is from before that time; None for none.

    Judged by the first event that is young enough: a clock that was set back keeps events, it never removes any.
    """
    through, _ = audit.floor(tx)
    events, seals = audit_events.c, audit_seals.c
    young = sa.select(sa.func.min(events.sequence)).where(
        events.sequence > through, events.time >= audit.format_time(before)
    )
    first_young = tx.execute(young).scalar_one()
    if first_young is None:
        first_young = audit.head(tx)[0]  # the head itself always stays
    sealed = sa.select(audit_seals.c.sequence, audit_seals.c.hash, audit_seals.c.number).where(
        seals.stored_at.is_not(None), seals.sequence < first_young, seals.sequence >= through + FEWEST
    )
    for row in tx.execute(sealed.order_by(seals.sequence.desc(), seals.number.desc())):
        if audit.hash_at(tx, row.sequence) == row.hash:  # not one of a head that a restore lost
            return row
    return None


def _checkpoint(tx: Connection, services: Services) -> None:
    now = services.clock.now()
    row = removable(tx, now - timedelta(seconds=services.settings.audit_retention))
    if row is None:
        return
    through, _ = audit.floor(tx)
    details = {"from": str(through + 1), "through": str(row.sequence), "seal": str(row.number)}
    sequence = audit.append(tx, services, type=PRUNED, actor_id=audit.SYSTEM, object_id=row.hash.hex(), details=details)
    values = {"through": row.sequence, "hash": row.hash, "checkpoint": sequence, "removed_at": now}
    tx.execute(sa.insert(audit_removals).values(values))


def _remove_some(services: Services) -> bool:
    """Whether there may be more."""
    with services.database.write() as tx:
        through, _ = audit.floor(tx)
        some = sa.select(audit_events.c.sequence).where(audit_events.c.sequence <= through).limit(_BATCH)
        gone = tx.execute(sa.delete(audit_events).where(audit_events.c.sequence.in_(some)))
        return gone.rowcount == _BATCH
