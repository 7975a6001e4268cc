"""Signing in and out, and taking up an invitation."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from kozutumi_app.domain.passwords import MINIMUM_LENGTH
from kozutumi_app.errors import InvalidInput, KozutumiError, RateLimited, WeakPassword, WrongPassword
from kozutumi_app.use_cases import invitations, sessions
from kozutumi_app.web import security
from kozutumi_app.web.pages import context, refusals
from kozutumi_app.web.pages.context import SameOrigin, Submitting
from kozutumi_app.web.pages.rendering import page, services

router = APIRouter(route_class=refusals.PageRoute, include_in_schema=False)


@router.get("/")
def start(request: Request) -> Response:
    return context.redirect("/transfers" if context.viewer_or_none(request) else "/sign-in")


@router.get("/sign-in")
def sign_in_page(request: Request, next: str = "/") -> Response:
    if context.viewer_or_none(request):
        return context.redirect(context.local_path(next))
    return page(request, "sign_in.html", next=next, email="", notice=None)


@router.post("/sign-in", dependencies=[SameOrigin])
def sign_in(
    request: Request,
    email: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",
) -> Response:
    client = security.client_address(request)
    try:
        cookie = sessions.sign_in(services(request), email=email, password=password, client=client)
    except (WrongPassword, RateLimited) as error:
        problem = refusals.with_wait(request, error)
        answer = page(
            request, "sign_in.html", status=error.status, next=next, email=email, notice=None, problem=problem
        )
        if error.retry_after:
            answer.headers["Retry-After"] = str(error.retry_after)
        return answer
    welcome = context.redirect(context.local_path(next))
    security.set_session_cookie(welcome, cookie)
    return welcome


@router.post("/sign-out")
def sign_out(request: Request, viewer: Submitting) -> Response:
    sessions.sign_out(services(request), viewer)
    answer = context.redirect("/sign-in")
    security.clear_session_cookie(answer)
    return answer


@router.get("/invitations/{token}")
def invitation_page(request: Request, token: str) -> Response:
    return _invitation(request, token)


@router.post("/invitations/{token}", dependencies=[SameOrigin])
def accept(
    request: Request,
    token: str,
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    again: Annotated[str, Form()] = "",
) -> Response:
    client = security.client_address(request)
    try:
        _require_same(password, again)
        cookie = invitations.accept(services(request), token, name=name, password=password, client=client)
    except (InvalidInput, WeakPassword) as error:
        return _invitation(request, token, name=name, error=error)
    answer = context.redirect("/transfers")
    security.set_session_cookie(answer, cookie)
    return answer


def _invitation(request: Request, token: str, *, name: str = "", error: KozutumiError | None = None) -> Response:
    invited = invitations.look_up(services(request), token, client=security.client_address(request))
    return page(
        request,
        "invitation.html",
        status=error.status if error else 200,
        name=name,
        email=invited.email,
        minimum_length=MINIMUM_LENGTH,
        problem=refusals.sentence(request, error) if error else None,
    )


def _require_same(password: str, again: str) -> None:
    if password != again:
        raise InvalidInput("The two passwords are not the same.")
