"""Groups of members, for policies and approvers."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import group_members, groups, policies, users
from kozutumi_app.domain.identifiers import new_id
from kozutumi_app.domain.policies import Scope
from kozutumi_app.errors import InvalidInput, NotFound
from kozutumi_app.services import Services
from kozutumi_app.use_cases import approval_jobs, audit
from kozutumi_app.use_cases.accounts import require_administrator
from kozutumi_app.use_cases.sessions import SignedIn

_NAME_LENGTH: Final = 100
_MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Group:
    id: str
    name: str
    members: Sequence[str]


def listed(services: Services, actor: SignedIn) -> list[Group]:
    """By name."""
    require_administrator(actor)
    with services.database.read() as tx:
        members: dict[str, list[str]] = {}
        for row in tx.execute(sa.select(group_members).order_by(group_members.c.user_id)):
            members.setdefault(row.group_id, []).append(row.user_id)
        rows = tx.execute(sa.select(groups)).all()
    named = [
        Group(row.id, services.columns.open("groups", "name_sealed", row.id, row.name_sealed), members.get(row.id, []))
        for row in rows
    ]
    return sorted(named, key=lambda group: (group.name, group.id))


def create(services: Services, actor: SignedIn, name: str) -> str:
    """InvalidInput for a name that is empty, too long or taken."""
    require_administrator(actor)
    name = unicodedata.normalize("NFC", name.strip())
    if not name or len(name) > _NAME_LENGTH or not name.isprintable():
        raise InvalidInput("The name is missing, too long or holds control characters.")
    group_id = new_id(services.random)
    index = services.columns.index("group name", name.casefold())
    with services.database.write() as tx:
        if tx.execute(sa.select(sa.exists().where(groups.c.name_index == index))).scalar_one():
            raise InvalidInput("There is a group of this name.")
        if tx.execute(sa.select(sa.func.count()).select_from(groups)).scalar_one() >= _MOST:
            raise InvalidInput("There are too many groups.")
        values = {
            "id": group_id,
            "name_sealed": services.columns.seal("groups", "name_sealed", group_id, name),
            "name_index": index,
            "created_at": services.clock.now(),
        }
        tx.execute(sa.insert(groups).values(values))
        _record(tx, services, "group.created", actor, group_id, {"name": name})
    return group_id


def remove(services: Services, actor: SignedIn, group_id: str) -> None:
    """With its policy; who was in it keeps what else applies to them."""
    require_administrator(actor)
    with services.database.write() as tx:
        if tx.execute(sa.delete(groups).where(groups.c.id == group_id)).rowcount != 1:
            raise NotFound
        of_group = sa.and_(policies.c.scope == Scope.GROUP.value, policies.c.subject_id == group_id)
        tx.execute(sa.delete(policies).where(of_group))
        _record(tx, services, "group.removed", actor, group_id, {})
        approval_jobs.ask_again(tx, services)


def set_members(services: Services, actor: SignedIn, group_id: str, members: Sequence[str]) -> None:
    """Replace the group's members; NotFound for a group or member there is not."""
    require_administrator(actor)
    with services.database.write() as tx:
        _set_members(tx, services, actor, group_id, set(members))


def change_members(
    services: Services, actor: SignedIn, group_id: str, *, shown: Sequence[str], kept: Sequence[str]
) -> None:
    """Of those `shown` only `kept` are members from now on, as is who else is `kept`; nothing changes for the others. NotFound as above."""
    require_administrator(actor)
    query = sa.select(group_members.c.user_id).where(group_members.c.group_id == group_id)
    with services.database.write() as tx:
        members = set(tx.execute(query).scalars())
        _set_members(tx, services, actor, group_id, members - set(shown) | set(kept))


def _set_members(tx: Connection, services: Services, actor: SignedIn, group_id: str, members: set[str]) -> None:
    wanted = sorted(members)
    if tx.execute(sa.select(groups.c.id).where(groups.c.id == group_id)).scalar_one_or_none() is None:
        raise NotFound
    if not members <= set(tx.execute(sa.select(users.c.id)).scalars()):
        raise NotFound
    tx.execute(sa.delete(group_members).where(group_members.c.group_id == group_id))
    if wanted:
        tx.execute(sa.insert(group_members), [{"group_id": group_id, "user_id": user_id} for user_id in wanted])
    _record(tx, services, "group.members_set", actor, group_id, {"members": ", ".join(wanted)})
    approval_jobs.ask_again(tx, services)


def _record(
    tx: Connection, services: Services, type: str, actor: SignedIn, group_id: str, details: dict[str, str]
) -> None:
    audit.append(tx, services, type=type, actor_id=actor.user_id, object_id=group_id, details=details)
