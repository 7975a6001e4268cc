"""The organization's members, as an administrator sees and manages them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from kozutumi_app.adapters.database.schema import invitations, sessions, users
from kozutumi_app.domain.accounts import Role
from kozutumi_app.errors import InvalidInput, LastAdministrator, NotAllowed, NotFound
from kozutumi_app.services import Services
from kozutumi_app.use_cases import approval_jobs, audit
from kozutumi_app.use_cases.sessions import SignedIn, email_index

_PERSON: Final = users.c.role != Role.SERVICE.value


@dataclass(frozen=True, slots=True)
class Member:
    id: str
    email: str
    name: str
    role: str
    disabled: bool
    created_at: datetime
    accepted_at: datetime | None


def require_administrator(user: SignedIn) -> None:
    if not user.is_administrator:
        raise NotAllowed


def ids(services: Services) -> list[str]:
    """Of every person, oldest first."""
    query = sa.select(users.c.id).where(_PERSON).order_by(users.c.created_at, users.c.id)
    with services.database.read() as tx:
        return list(tx.execute(query).scalars())


def members(services: Services, wanted: Sequence[str]) -> list[Member]:
    """These people in this order; who is no person here is left out."""
    with services.database.read() as tx:
        rows = tx.execute(sa.select(users).where(_PERSON, users.c.id.in_(wanted))).all()
    found = {row.id: _member(services, row) for row in rows}
    return [found[user_id] for user_id in wanted if user_id in found]


def find(services: Services, address: str) -> str | None:
    """The id of the person with exactly this address; case does not matter. Beginnings of it cannot be looked up."""
    with services.database.read() as tx:
        same = users.c.email_index == email_index(services, address)
        return tx.execute(sa.select(users.c.id).where(_PERSON, same)).scalar_one_or_none()


def named(services: Services, address: str) -> str:
    """As `find`; InvalidInput for nobody."""
    found = find(services, address)
    if found is None:
        raise InvalidInput("Nobody with an account has exactly this address.")
    return found


def _member(services: Services, row: Any) -> Member:
    return Member(
        id=row.id,
        email=services.columns.open("users", "email_sealed", row.id, row.email_sealed),
        name=services.columns.open("users", "name_sealed", row.id, row.name_sealed) if row.name_sealed else "",
        role=row.role,
        disabled=row.disabled,
        created_at=row.created_at,
        accepted_at=row.accepted_at,
    )


def disable(services: Services, actor: SignedIn, user_id: str) -> None:
    """Shut a member out at once: sessions and open invitations end too. Their delivered transfers stay."""
    require_administrator(actor)
    with services.database.write() as tx:
        query = sa.select(users.c.role, users.c.disabled).where(users.c.id == user_id, _PERSON)
        row = tx.execute(query).one_or_none()
        if row is None:
            raise NotFound
        others = sa.and_(
            users.c.role == Role.ADMINISTRATOR.value,
            users.c.disabled.is_(False),
            users.c.accepted_at.is_not(None),
            users.c.id != user_id,
        )
        if row.role == Role.ADMINISTRATOR and not tx.execute(sa.select(sa.exists().where(others))).scalar_one():
            raise LastAdministrator
        tx.execute(sa.update(users).where(users.c.id == user_id).values(disabled=True))
        tx.execute(sa.delete(sessions).where(sessions.c.user_id == user_id))
        tx.execute(sa.delete(invitations).where(invitations.c.user_id == user_id))
        audit.append(tx, services, type="member.disabled", actor_id=actor.user_id, object_id=user_id)
        approval_jobs.ask_again(tx, services)


def enable(services: Services, actor: SignedIn, user_id: str) -> None:
    require_administrator(actor)
    with services.database.write() as tx:
        enabled = sa.update(users).where(users.c.id == user_id, _PERSON).values(disabled=False)
        if tx.execute(enabled).rowcount != 1:
            raise NotFound
        audit.append(tx, services, type="member.enabled", actor_id=actor.user_id, object_id=user_id)
        approval_jobs.ask_again(tx, services)
