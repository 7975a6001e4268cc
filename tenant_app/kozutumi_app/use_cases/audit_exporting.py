"""The audit log as a file: JSON lines that prove themselves (kozutumi_contract.audit_export), or CSV for people.

Both are streamed in short transactions. That someone took the log with them is an event, and the last one in the file.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Literal

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import audit_events
from kozutumi_app.domain import csv_cells
from kozutumi_app.errors import InvalidInput, StorageUnavailable
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit, audit_signing
from kozutumi_app.use_cases.audit import OpenedEvent
from kozutumi_contract import audit_export
from kozutumi_contract.audit_export import End, Filter, Header, Line

Format = Literal["jsonl", "csv"]
_FIRST_YEAR: Final = 1970
_COLUMNS: Final = ("sequence", "time", "type", "outcome", "actor_id", "object_id", "details")


@dataclass(frozen=True, slots=True)
class Range:
    """Events from `first` to `last`, both included; `previous` is the hash that they hang on. Empty: last = first - 1."""

    first: int
    last: int
    previous: bytes
    whole: bool


def wanted(*, type: str = "", object: str = "", since: str = "", until: str = "") -> Filter:
    """What to export. Times are RFC 3339; a date alone is its beginning in UTC. Raises InvalidInput."""
    return Filter(type=type.strip(), object=object.strip(), since=_moment(since), until=_moment(until))


def start(services: Services, actor_id: str, chosen: Filter, format: Format = "jsonl") -> Iterator[str]:
    """Record the export and return the file's text, piece by piece."""
    with services.database.write() as tx:
        key = audit_signing.key(tx, services)
        details = {"format": format, "type": chosen.type, "object": chosen.object}
        details |= {"from": chosen.since, "until": chosen.until}
        audit.append(tx, services, type="audit.exported", actor_id=actor_id, object_id="audit", details=details)
        span = find_range(tx, chosen)
    return jsonl(services, chosen, span, key) if format == "jsonl" else as_csv(services, chosen, span)


def find_range(tx: Connection, chosen: Filter) -> Range:
    """The smallest part of the chain that holds everything asked for."""
    floor, _ = audit.floor(tx)
    head, _ = audit.head(tx)
    events = audit_events.c
    first, last = floor + 1, head
    lowest = sa.select(sa.func.min(events.sequence)).where(events.sequence > floor)
    if chosen.since:
        first = tx.execute(lowest.where(events.time >= chosen.since)).scalar_one() or head + 1
    if chosen.until:
        after = tx.execute(lowest.where(events.time >= chosen.until, events.sequence >= first)).scalar_one()
        last = head if after is None else after - 1
    if chosen.object:
        found = tx.execute(lowest.where(events.object_id == chosen.object, events.sequence >= first)).scalar_one()
        first = min(found or last + 1, last + 1)
    whole = not chosen.since and not chosen.until and not chosen.object
    return Range(first, last, audit.hash_at(tx, first - 1) or b"", whole)


def jsonl(
    services: Services, chosen: Filter, span: Range, key: ec.EllipticCurvePrivateKey, *, made: datetime | None = None
) -> Iterator[str]:
    header = Header(
        service_code=services.settings.service_code,
        first=span.first,
        previous_hash=span.previous,
        whole=span.whole,
        filter=chosen,
    )
    yield audit_export.render(header.document()).decode()
    last = span.previous
    for opened in _events(services, span):
        line = Line(opened.event, opened.details if opened.opening else None, opened.opening)
        shown = line if chosen.wants(opened.event) else replace(line, details=None, opening=None)
        yield audit_export.render(shown.document()).decode()
        last = opened.event.hash
    time = audit.format_time(made or services.clock.now())
    end = End(events=span.last - span.first + 1, last=span.last, hash=last, made=time)
    yield audit_export.render_end(header, end, key).decode()


def as_csv(services: Services, chosen: Filter, span: Range) -> Iterator[str]:
    yield csv_cells.MARK + csv_cells.row(_COLUMNS)
    for opened in _events(services, span):
        if chosen.wants(opened.event):
            yield csv_cells.row(_cells(opened))


def _events(services: Services, span: Range) -> Iterator[OpenedEvent]:
    """StorageUnavailable where part of the range was removed meanwhile: a file without its end is no export."""
    after = span.first - 1
    while after < span.last:
        query = sa.select(audit_events).where(audit_events.c.sequence > after, audit_events.c.sequence <= span.last)
        with services.database.read() as tx:
            rows = tx.execute(query.order_by(audit_events.c.sequence).limit(audit.PAGE)).all()
        if not rows or rows[0].sequence != after + 1:
            raise StorageUnavailable("the log's beginning was removed while it was being exported; export it again")
        for row in rows:
            yield audit.opened(services, audit.of_row(row))
        after = rows[-1].sequence


def _cells(opened: OpenedEvent) -> list[str]:
    event, details = opened.event, opened.details
    shown: Mapping[str, str] = details if details is not None else {}
    text = "; ".join(f"{name}={value}" for name, value in shown.items() if value)
    return [str(event.sequence), event.time, event.type, event.outcome, event.actor_id, event.object_id, text]


def _moment(text: str) -> str:
    """In the form in which events carry their time, so that text order is time order."""
    if not text.strip():
        return ""
    aware: datetime | None = None
    with contextlib.suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(text.strip())
        aware = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    if aware is None or aware.year < _FIRST_YEAR:  # an earlier one's text would not sort before the others
        raise InvalidInput("Times are written as 2026-11-24T09:00:00+09:00, or as a date.")
    return audit.format_time(aware)
