"""The organization's audit log: appended in the transaction of the act itself, hash-chained (architecture.md §6 rule 5)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import audit_events, audit_removals
from kozutumi_app.services import Services
from kozutumi_contract import audit_chain
from kozutumi_contract.audit_chain import GENESIS, OPENING_BYTES, AuditEvent, event_hash, first_broken

SYSTEM: Final = "system"
REFUSALS: Final[ContextVar[list[str] | None]] = ContextVar("refusals", default=None)
"""Types of the refusals recorded in a request, for the edge; None outside of one."""
PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class OpenedEvent:
    """An event with its personal part decrypted; None when the audit key can no longer open it.

    `opening` proves the details to whoever has them (audit_chain.commitment); None in form 1, which proves none.
    """

    event: AuditEvent
    details: Mapping[str, str] | None
    opening: bytes | None = None


def append(
    tx: Connection,
    services: Services,
    *,
    type: str,
    actor_id: str,
    object_id: str,
    outcome: str = "ok",
    details: Mapping[str, str] | None = None,
) -> int:
    """Add one event; returns its sequence number.

    Call only inside `database.write()`: that transaction holds the one write lock, so no two heads exist.
    Names, addresses and the like go into `details` and nowhere else.
    """
    sequence, previous = head(tx)
    sequence += 1
    time = format_time(services.clock.now())
    sealed = _sealed(services, sequence, details or {})
    stored = {
        "sequence": sequence,
        "time": time,
        "type": type,
        "actor_id": actor_id,
        "object_id": object_id,
        "outcome": outcome,
        "sealed": sealed,
    }
    digest = event_hash(
        sequence=sequence,
        time=time,
        type=type,
        actor_id=actor_id,
        object_id=object_id,
        outcome=outcome,
        sealed=sealed,
        previous=previous,
    )
    tx.execute(sa.insert(audit_events).values(**stored, previous_hash=previous, hash=digest))
    if outcome != "ok" and (told := REFUSALS.get()) is not None:
        told.append(type)
    return sequence


def head(tx: Connection) -> tuple[int, bytes]:
    """Sequence number and hash of the newest event; (0, GENESIS) before the first."""
    query = sa.select(audit_events.c.sequence, audit_events.c.hash).order_by(audit_events.c.sequence.desc()).limit(1)
    row = tx.execute(query).one_or_none()
    return (row.sequence, row.hash) if row else (0, GENESIS)


def floor(tx: Connection) -> tuple[int, bytes]:
    """Sequence number and hash of the last event that was removed when its time was over; (0, GENESIS) for none."""
    removed = audit_removals.c
    row = tx.execute(sa.select(removed.through, removed.hash).order_by(removed.through.desc()).limit(1)).one_or_none()
    return (row.through, row.hash) if row else (0, GENESIS)


def verify(tx: Connection) -> int | None:
    """Sequence number at which the stored chain first breaks, or None."""
    through, previous = floor(tx)
    query = sa.select(audit_events).where(audit_events.c.sequence > through).order_by(audit_events.c.sequence)
    rows = tx.execute(query.execution_options(yield_per=PAGE))
    return first_broken((of_row(row) for row in rows), start=through + 1, previous=previous)


def hash_at(tx: Connection, sequence: int) -> bytes | None:
    """Hash of one event, also of the last removed one; None where it is not here."""
    if sequence == 0:
        return GENESIS
    found = tx.execute(sa.select(audit_events.c.hash).where(audit_events.c.sequence == sequence)).scalar_one_or_none()
    through, digest = floor(tx)
    return digest if found is None and sequence == through else found


def page(
    tx: Connection,
    services: Services,
    *,
    before: int | None = None,
    object_id: str | None = None,
    type_prefix: str = "",
    limit: int = 100,
) -> list[OpenedEvent]:
    """Newest first, at most `limit` (and never more than 500)."""
    newest = sa.select(audit_events).order_by(audit_events.c.sequence.desc()).limit(min(limit, PAGE))
    query = newest.where(audit_events.c.sequence > floor(tx)[0])
    if before is not None:
        query = query.where(audit_events.c.sequence < before)
    if object_id is not None:
        query = query.where(audit_events.c.object_id == object_id)
    if type_prefix:
        query = query.where(audit_events.c.type.startswith(type_prefix, autoescape=True))
    return [opened(services, of_row(row)) for row in tx.execute(query)]


def as_json(shown: OpenedEvent) -> dict[str, object]:
    event = shown.event
    return {
        "sequence": event.sequence,
        "time": event.time,
        "type": event.type,
        "actor_id": event.actor_id,
        "object_id": event.object_id,
        "outcome": event.outcome,
        "details": None if shown.details is None else dict(shown.details),
        "sealed": event.sealed.hex(),
        "previous_hash": event.previous_hash.hex(),
        "hash": event.hash.hex(),
    }


def format_time(time: datetime) -> str:
    """RFC 3339 with microseconds and Z, of one length, so that text order is time order."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def opened(services: Services, event: AuditEvent) -> OpenedEvent:
    commitment, ciphertext = audit_chain.parts(event.sealed)
    try:
        document = json.loads(services.columns.open_audit(str(event.sequence), ciphertext))
        if commitment is None:
            return OpenedEvent(event, document)
        details, opening = document["details"], bytes.fromhex(document["opening"])
    except (ValueError, KeyError, TypeError):
        return OpenedEvent(event, None)
    return OpenedEvent(event, details, opening)


def of_row(row: sa.Row[tuple[object, ...]]) -> AuditEvent:
    values = row._mapping  # noqa: SLF001 - SQLAlchemy's documented name for a row as a mapping
    return AuditEvent(**{field: values[field] for field in AuditEvent.__dataclass_fields__})


def _sealed(services: Services, sequence: int, details: Mapping[str, str]) -> bytes:
    """What cannot be written as UTF-8 (half a character in a name) is written as a question mark, or no act would pass."""
    kept = {name: text.encode("utf-8", "replace").decode() for name, text in details.items()}
    opening = services.random(OPENING_BYTES)
    document = json.dumps({"details": kept, "opening": opening.hex()}, ensure_ascii=False)
    ciphertext = services.columns.seal_audit(str(sequence), document)
    return audit_chain.committed(audit_chain.commitment(sequence, kept, opening), ciphertext)
