"""Who decides in an approver's place while that one is away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from kozutumi_app.adapters.database.schema import substitutes, users
from kozutumi_app.domain.identifiers import new_id
from kozutumi_app.errors import InvalidInput, NotAllowed, NotFound
from kozutumi_app.services import Services
from kozutumi_app.use_cases import approval_jobs, audit
from kozutumi_app.use_cases.sessions import SignedIn

LONGEST: Final = timedelta(days=366)
_MOST: Final = 20  # of one person


@dataclass(frozen=True, slots=True)
class Substitute:
    """`substitute_id` may give the voice of `user_id` from `begins_at` until `ends_at`."""

    id: str
    user_id: str
    substitute_id: str
    begins_at: datetime
    ends_at: datetime


def listed(services: Services, actor: SignedIn) -> list[Substitute]:
    """Return one's own that are not over, both ways; an administrator sees all of them."""
    query = sa.select(substitutes).where(substitutes.c.ends_at > services.clock.now())
    if not actor.is_administrator:
        query = query.where(
            sa.or_(substitutes.c.user_id == actor.user_id, substitutes.c.substitute_id == actor.user_id)
        )
    with services.database.read() as tx:
        rows = tx.execute(query.order_by(substitutes.c.begins_at, substitutes.c.id)).all()
    return [Substitute(row.id, row.user_id, row.substitute_id, row.begins_at, row.ends_at) for row in rows]


def name(
    services: Services,
    actor: SignedIn,
    *,
    user_id: str,
    substitute_id: str,
    begins_at: datetime,
    ends_at: datetime,
) -> str:
    """Let somebody stand in; returns its id. One names a substitute for oneself, an administrator for anyone.

    NotAllowed for another's; InvalidInput for a span that is over, empty or longer than a year, or for oneself.
    """
    if user_id != actor.user_id and not actor.is_administrator:
        raise NotAllowed
    now = services.clock.now()
    if not max(begins_at, now) < ends_at <= begins_at + LONGEST or user_id == substitute_id:
        raise InvalidInput("Name another person, and a time that is not over and at most a year long.")
    row = {
        "id": new_id(services.random),
        "user_id": user_id,
        "substitute_id": substitute_id,
        "begins_at": begins_at,
        "ends_at": ends_at,
        "created_at": now,
    }
    working = sa.and_(users.c.disabled.is_(False), users.c.accepted_at.is_not(None))
    with services.database.write() as tx:
        found = set(tx.execute(sa.select(users.c.id).where(working)).scalars())
        if substitute_id not in found or user_id not in set(tx.execute(sa.select(users.c.id)).scalars()):
            raise NotFound
        tx.execute(sa.delete(substitutes).where(substitutes.c.ends_at <= now))
        mine = sa.select(sa.func.count()).where(substitutes.c.user_id == user_id)
        if tx.execute(mine).scalar_one() >= _MOST:
            raise InvalidInput("There are too many substitutes. Remove one first.")
        tx.execute(sa.insert(substitutes).values(row))
        details = {
            "substitute": substitute_id,
            "from": audit.format_time(begins_at),
            "until": audit.format_time(ends_at),
        }
        audit.append(tx, services, type="substitute.named", actor_id=actor.user_id, object_id=user_id, details=details)
        approval_jobs.ask_again(tx, services)
    return str(row["id"])


def remove(services: Services, actor: SignedIn, substitution_id: str) -> None:
    """NotFound for another's, unless an administrator asks."""
    with services.database.write() as tx:
        row = tx.execute(sa.select(substitutes).where(substitutes.c.id == substitution_id)).one_or_none()
        if row is None or (row.user_id != actor.user_id and not actor.is_administrator):
            raise NotFound
        tx.execute(sa.delete(substitutes).where(substitutes.c.id == substitution_id))
        details = {"substitute": row.substitute_id}
        audit.append(
            tx, services, type="substitute.removed", actor_id=actor.user_id, object_id=row.user_id, details=details
        )
        approval_jobs.ask_again(tx, services)
