"""Groups of members, for policies and approvers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field

from kozutumi_app.domain.tokens import Scope
from kozutumi_app.errors import NotFound
from kozutumi_app.use_cases import groups
from kozutumi_app.use_cases.groups import Group
from kozutumi_app.web.api.callers import ActingAdministrator, Administrator, App, Body
from kozutumi_app.web.api.documented import Shown, answers
from kozutumi_app.web.api.shapes import Id
from kozutumi_app.web.paging import After, Limit, cut

router = APIRouter()
RowId = Annotated[str, Path(max_length=64)]


class NewGroup(Body):
    name: str = Field(max_length=200)


class Members(Body):
    members: list[Annotated[str, Field(max_length=64)]] = Field(max_length=10_000)


class Groups(Shown):
    groups: list[Group]
    next: str | None


@router.get("/groups", **answers(NotFound, scope=Scope.ADMIN))
def list_groups(user: Administrator, services: App, limit: Limit = 200, after: After = None) -> Groups:
    page = cut(groups.listed(services, user), limit, after)
    return Groups(groups=page.items, next=page.next)


@router.post("/groups", **answers(status=201, scope=Scope.ADMIN))
def create(body: NewGroup, user: ActingAdministrator, services: App) -> Id:
    return Id(id=groups.create(services, user, body.name))


@router.put("/groups/{group_id}/members", **answers(NotFound, status=204, scope=Scope.ADMIN))
def set_members(group_id: RowId, body: Members, user: ActingAdministrator, services: App) -> None:
    """Replace the group's members."""
    groups.set_members(services, user, group_id, body.members)


@router.delete("/groups/{group_id}", **answers(NotFound, status=204, scope=Scope.ADMIN))
def remove(group_id: RowId, user: ActingAdministrator, services: App) -> None:
    """With its policy."""
    groups.remove(services, user, group_id)
