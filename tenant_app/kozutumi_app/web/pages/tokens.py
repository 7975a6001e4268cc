"""Tokens for programs: one's own, and for administrators those of service accounts. A new one is shown once."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from kozutumi_app.domain.tokens import FOR_ADMINISTRATORS, Scope
from kozutumi_app.errors import InvalidInput, NotAllowed, NotFound
from kozutumi_app.use_cases import service_accounts, tokens
from kozutumi_app.use_cases.sessions import SignedIn
from kozutumi_app.web.pages import context, frame, refusals
from kozutumi_app.web.pages.context import Submitting, Viewer
from kozutumi_app.web.pages.rendering import services

router = APIRouter(route_class=refusals.PageRoute, include_in_schema=False)
_DAYS: Final = (7, 30, 90, 365)


@router.get("/tokens")
def tokens_page(request: Request, viewer: Viewer) -> Response:
    return _show(request, viewer)


@router.post("/tokens")
def change_tokens(
    request: Request,
    viewer: Submitting,
    action: Annotated[str, Form()] = "",
    name: Annotated[str, Form()] = "",
    scopes: Annotated[list[str] | None, Form()] = None,
    days: Annotated[int, Form()] = 90,
    account: Annotated[str, Form()] = "",
    token: Annotated[str, Form()] = "",
) -> Response:
    """`account`: a service account's id, or empty for one's own tokens."""
    given, owner = services(request), account or None
    try:
        if action == "revoke":
            tokens.revoke(given, viewer, token, account_id=owner)
            return _show(request, viewer)
        made = tokens.issue(given, viewer, name=name, scopes=scopes or [], days=days, account_id=owner)
    except (InvalidInput, NotAllowed, NotFound) as error:
        return _show(request, viewer, status=error.status, problem=refusals.sentence(request, error))
    return _show(request, viewer, made=made)


@router.post("/tokens/accounts")
def change_accounts(
    request: Request,
    viewer: Submitting,
    action: Annotated[str, Form()] = "",
    name: Annotated[str, Form()] = "",
    contact: Annotated[str, Form()] = "",
    account: Annotated[str, Form()] = "",
) -> Response:
    given = services(request)
    try:
        if action == "create":
            service_accounts.create(given, viewer, name=name, contact=contact or None)
        else:
            service_accounts.set_disabled(given, viewer, account, disabled=action != "enable")
    except (InvalidInput, NotAllowed, NotFound) as error:
        return _show(request, viewer, status=error.status, problem=refusals.sentence(request, error))
    return context.redirect("/tokens")


def _show(request: Request, viewer: SignedIn, *, status: int = 200, **shown: Any) -> Response:
    given, now = services(request), services(request).clock.now()
    accounts = service_accounts.listed(given) if viewer.is_administrator else []
    answer = frame.show(
        request,
        viewer,
        "tokens.html",
        status=status,
        tokens=tokens.listed(given, viewer.user_id),
        accounts=accounts,
        scopes=[scope for scope in Scope if viewer.is_administrator or scope not in FOR_ADMINISTRATORS],
        every_scope=list(Scope),
        days=_DAYS,
        now=now,
        **({"made": None, "problem": None} | shown),
    )
    answer.headers["Cache-Control"] = "no-store"  # a new token is on it
    return answer
