"""The administrator's pages: members and the audit log."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from kozutumi_app.errors import InvalidInput, LastAdministrator, UserQuotaExceeded
from kozutumi_app.use_cases import accounts, invitations
from kozutumi_app.use_cases.sessions import SignedIn
from kozutumi_app.web import i18n
from kozutumi_app.web.pages import frame, refusals
from kozutumi_app.web.pages.context import Administrator, Submitting
from kozutumi_app.web.pages.rendering import locale_of, services

router = APIRouter(route_class=refusals.PageRoute, include_in_schema=False)


@router.get("/members")
def members_page(request: Request, viewer: Administrator) -> Response:
    return _show(request, viewer)


@router.post("/members")
def change_members(
    request: Request,
    viewer: Submitting,
    action: Annotated[str, Form()] = "",
    member: Annotated[str, Form()] = "",
    email: Annotated[str, Form()] = "",
    role: Annotated[str, Form()] = "member",
    locale: Annotated[str, Form()] = "",
) -> Response:
    accounts.require_administrator(viewer)
    try:
        notice = _change(request, viewer, action, member=member, email=email, role=role, locale=locale)
    except (InvalidInput, LastAdministrator, UserQuotaExceeded) as error:
        form = {"email": email, "role": role, "locale": locale}
        return _show(request, viewer, status=error.status, problem=refusals.sentence(request, error), form=form)
    return _show(request, viewer, notice=notice)


def _change(request: Request, viewer: SignedIn, action: str, *, member: str, email: str, role: str, locale: str) -> str:
    """Do it and return what to say."""
    if action == "disable":
        accounts.disable(services(request), viewer, member)
        return _say(request, "The account is disabled.")
    if action == "invite":
        invitations.invite_member(services(request), viewer, email=email, role=role, locale=locale or None)
        return _say(request, "The invitation is on its way to %(email)s.", email=email)
    raise InvalidInput


def _show(
    request: Request,
    viewer: SignedIn,
    *,
    status: int = 200,
    notice: str | None = None,
    problem: str | None = None,
    form: dict[str, str] | None = None,
) -> Response:
    return frame.show(
        request,
        viewer,
        "members.html",
        status=status,
        members=accounts.members(services(request)),
        notice=notice,
        problem=problem,
        form=form or {"email": "", "role": "member", "locale": locale_of(request)},
    )


def _say(request: Request, message: str, **values: object) -> str:
    return i18n.translate(locale_of(request), message, values)
