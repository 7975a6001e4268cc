"""The administrator's page of the members."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request
from starlette.responses import Response

from kozutumi_app.errors import InvalidInput, LastAdministrator, UserQuotaExceeded
from kozutumi_app.use_cases import accounts, invitations
from kozutumi_app.use_cases.sessions import SignedIn
from kozutumi_app.web import i18n, paging
from kozutumi_app.web.pages import frame, refusals
from kozutumi_app.web.pages.context import Administrator, Fields, Submitting
from kozutumi_app.web.pages.rendering import locale_of, services
from kozutumi_app.web.paging import After

router = APIRouter(route_class=refusals.PageRoute, include_in_schema=False)


@router.get("/members")
def members_page(request: Request, viewer: Administrator, after: After = None) -> Response:
    return _show(request, viewer, {"after": after or ""})


@router.post("/members")
def change_members(request: Request, viewer: Submitting, fields: Fields) -> Response:
    """Looking for an address is posted too: it would be in logs and histories as a part of the page's own address."""
    accounts.require_administrator(viewer)
    if fields.get("action") == "find":
        return _show(request, viewer, fields)
    try:
        notice = _change(request, viewer, fields)
    except (InvalidInput, LastAdministrator, UserQuotaExceeded) as error:
        return _show(request, viewer, fields, status=error.status, problem=refusals.sentence(request, error))
    return _show(request, viewer, {name: fields.get(name, "") for name in ("after", "sought")}, notice=notice)


def _change(request: Request, viewer: SignedIn, fields: Mapping[str, str]) -> str:
    """Do it and return what to say."""
    action, email = fields.get("action"), fields.get("email", "")
    if action == "disable":
        accounts.disable(services(request), viewer, fields.get("member", ""))
        return _say(request, "The account is disabled.")
    if action == "invite":
        role, locale = fields.get("role", "member"), fields.get("locale") or None
        invitations.invite_member(services(request), viewer, email=email, role=role, locale=locale)
        return _say(request, "The invitation is on its way to %(email)s.", email=email)
    raise InvalidInput


def _show(
    request: Request,
    viewer: SignedIn,
    fields: Mapping[str, str],
    *,
    status: int = 200,
    notice: str | None = None,
    problem: str | None = None,
) -> Response:
    """`fields`: of the form to show again, `sought` an address, and `after` the place in the list."""
    given = services(request)
    sought = fields.get("sought", "").strip()
    listed = [accounts.find(given, sought)] if sought else accounts.ids(given)
    page = paging.shown([each for each in listed if each is not None], fields.get("after"), key=str)
    return frame.show(
        request,
        viewer,
        "members.html",
        status=status,
        members=accounts.members(given, page.items),
        page=page,
        after=fields.get("after", ""),
        sought=sought,
        notice=notice,
        problem=problem,
        form={"email": "", "role": "member", "locale": locale_of(request)} | dict(fields),
    )


def _say(request: Request, message: str, **values: object) -> str:
    return i18n.translate(locale_of(request), message, values)
