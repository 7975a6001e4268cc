from __future__ import annotations

from fastapi import APIRouter

from kozutumi_app.domain.tokens import Scope
from kozutumi_app.errors import LastAdministrator, NotFound, UserQuotaExceeded
from kozutumi_app.use_cases import accounts, invitations
from kozutumi_app.use_cases.accounts import Member
from kozutumi_app.web.api.callers import ActingAdministrator, Administrator, App, Body
from kozutumi_app.web.api.documented import Shown, answers
from kozutumi_app.web.api.shapes import Id
from kozutumi_app.web.paging import After, Limit, cut

router = APIRouter()


class NewMember(Body):
    email: str
    role: str = "member"
    locale: str | None = None


class Members(Shown):
    members: list[Member]
    next: str | None


@router.get("/members", **answers(NotFound, scope=Scope.ADMIN))
def list_members(user: Administrator, services: App, limit: Limit = 200, after: After = None) -> Members:
    """Oldest first."""
    del user
    page = cut(accounts.ids(services), limit, after, key=str)
    return Members(members=accounts.members(services, page.items), next=page.next)


@router.post("/members", **answers(UserQuotaExceeded, status=201, scope=Scope.ADMIN))
def invite(body: NewMember, user: ActingAdministrator, services: App) -> Id:
    return Id(id=invitations.invite_member(services, user, email=body.email, role=body.role, locale=body.locale))


@router.post("/members/{user_id}/disable", **answers(NotFound, LastAdministrator, status=204, scope=Scope.ADMIN))
def disable(user_id: str, user: ActingAdministrator, services: App) -> None:
    accounts.disable(services, user, user_id)


@router.post("/members/{user_id}/enable", **answers(NotFound, status=204, scope=Scope.ADMIN))
def enable(user_id: str, user: ActingAdministrator, services: App) -> None:
    accounts.enable(services, user, user_id)
