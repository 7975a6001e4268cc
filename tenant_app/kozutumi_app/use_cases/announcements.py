"""Notices of the platform: kept as the operator brings them, shown to everyone until their time is over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects.sqlite import insert as upsert

from kozutumi_app.adapters.database.schema import announcements
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit

MOST: Final = 50  # kept at one time; the operator is told of more by a refusal
_ORDER: Final = ("Incident", "Security", "Maintenance", "Change")


@dataclass(frozen=True, slots=True)
class Words:
    title: str
    body: str


@dataclass(frozen=True, slots=True)
class News:
    at: datetime
    words: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """`text` and each news' words are by language, "ja" and "en". Times are aware; None where not stated."""

    id: str
    type: str
    begins: datetime | None
    until: datetime | None
    text: Mapping[str, Words]
    timeline: tuple[News, ...]


def received(services: Services) -> dict[str, str]:
    """What is here, also what is over: id → digest, by which the operator sees what is missing."""
    with services.database.read() as tx:
        rows = tx.execute(sa.select(announcements.c.id, announcements.c.digest)).all()
    return {row.id: row.digest for row in rows}


def put(services: Services, document: Mapping[str, Any], digest: str, until: datetime | None) -> bool:
    """Keep it, in place of an earlier one of its id. False where there are too many."""
    values = {
        "digest": digest,
        "document": json.dumps(document, ensure_ascii=False),
        "until": until,
        "received_at": services.clock.now(),
    }
    with services.database.write() as tx:
        others = sa.select(sa.func.count()).where(announcements.c.id != document["id"])
        full = tx.execute(others).scalar_one() >= MOST
        _record(tx, services, "announcement.received", document["id"], digest, "too_many" if full else "ok")
        if full:
            return False
        statement = upsert(announcements).values(id=document["id"], **values)
        tx.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))
    return True


def withdraw(services: Services, name: str) -> bool:
    """Whether there was one."""
    with services.database.write() as tx:
        there = bool(tx.execute(sa.delete(announcements).where(announcements.c.id == name)).rowcount)
        if there:
            _record(tx, services, "announcement.withdrawn", name, "")
    return there


def current(services: Services) -> list[Announcement]:
    """What is not over, incidents first, then the newest."""
    now = services.clock.now()
    shown = sa.or_(announcements.c.until.is_(None), announcements.c.until > now)
    query = sa.select(announcements.c.document).where(shown).order_by(announcements.c.received_at.desc())
    with services.database.read() as tx:
        found = [_read(json.loads(document)) for document in tx.execute(query).scalars()]
    return sorted(found, key=lambda each: _ORDER.index(each.type))


def _record(tx: Connection, services: Services, type: str, name: str, digest: str, outcome: str = "ok") -> None:
    """Which version the organization was shown, and when."""
    details = {"digest": digest}
    audit.append(tx, services, type=type, actor_id="operator", object_id=name, outcome=outcome, details=details)


def _read(document: Mapping[str, Any]) -> Announcement:
    return Announcement(
        id=document["id"],
        type=document["type"],
        begins=_moment(document["from"]),
        until=_moment(document["until"]),
        text={language: Words(each["title"], each["body"]) for language, each in document["text"].items()},
        timeline=tuple(
            News(datetime.fromisoformat(each["at"]), {"ja": each["ja"], "en": each["en"]})
            for each in document["timeline"]
        ),
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
