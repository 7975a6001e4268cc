"""The guest's pages: ask for a code, enter it, add files and send them. No GET or HEAD changes anything."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from kozutumi_app.errors import CodeExhausted, CodeExpired, CodeWrong, RateLimited
from kozutumi_app.use_cases import guests
from kozutumi_app.web import security
from kozutumi_app.web.pages import context, refusals
from kozutumi_app.web.pages.context import SameOrigin
from kozutumi_app.web.pages.rendering import page, services

router = APIRouter(prefix="/q/{link_id}", route_class=refusals.PageRoute, include_in_schema=False)


@router.get("")
def start(request: Request, link_id: str) -> Response:
    open_request = guests.look_up(services(request), link_id, client=security.client_address(request))
    return page(request, "guest/start.html", link_id=link_id, expires_at=open_request.expires_at)


@router.post("/code", dependencies=[SameOrigin])
def send_code(request: Request, link_id: str) -> Response:
    try:
        browser = guests.request_code(services(request), link_id, client=security.client_address(request))
    except RateLimited as error:
        return _enter_code(request, link_id, error)
    answer = context.redirect(f"/q/{link_id}/verify")
    security.set_browser_cookie(answer, link_id, browser)
    return answer


@router.get("/verify")
def code_page(request: Request, link_id: str) -> Response:
    guests.look_up(services(request), link_id, client=security.client_address(request))
    return page(request, "guest/code.html", link_id=link_id)


@router.post("/verify", dependencies=[SameOrigin])
def verify(request: Request, link_id: str, code: Annotated[str, Form()] = "") -> Response:
    browser = security.browser(request, link_id)
    client = security.client_address(request)
    try:
        cookie = guests.verify(services(request), link_id, code=code, browser=browser, client=client)
    except (CodeWrong, CodeExpired, CodeExhausted, RateLimited) as error:
        return _enter_code(request, link_id, error)
    answer = context.redirect(f"/q/{link_id}/files")
    security.set_guest_cookie(answer, link_id, cookie)
    return answer


@router.get("/files")
def files_page(request: Request, link_id: str) -> Response:
    """The files themselves are sent by the page's script, which asks the API for a right to upload."""
    asked = guests.asked(services(request), security.guest(request, link_id))
    known = asked.answer.files if asked.answer else ()
    return page(request, "guest/files.html", link_id=link_id, asked=asked, known=known)


@router.get("/sent")
def sent_page(request: Request, link_id: str) -> Response:
    """Where the script leads afterwards. It says nothing of any request, so it asks for no proof."""
    return page(request, "guest/sent.html", link_id=link_id)


def _enter_code(
    request: Request, link_id: str, error: CodeWrong | CodeExpired | CodeExhausted | RateLimited
) -> Response:
    answer = page(
        request,
        "guest/code.html",
        status=error.status,
        path=f"/q/{link_id}/verify",
        problem=refusals.with_wait(request, error),
        link_id=link_id,
    )
    if error.retry_after:
        answer.headers["Retry-After"] = str(error.retry_after)
    return answer
