"""The recipient's pages: show the proof that is asked for, fetch the files. No GET or HEAD changes anything."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from kozutumi_app.domain.authentication import Authentication
from kozutumi_app.domain.grants import Capacity, Reader
from kozutumi_app.errors import (
    ArchiveNotReady,
    CodeExhausted,
    CodeExpired,
    CodeWrong,
    DownloadsExhausted,
    KozutumiError,
    NotTheRecipient,
    PasswordWrong,
    RateLimited,
)
from kozutumi_app.use_cases import proving, recipients
from kozutumi_app.web import download, security
from kozutumi_app.web.pages import context, refusals, views
from kozutumi_app.web.pages.context import SameOrigin, Submitting
from kozutumi_app.web.pages.rendering import page, services

router = APIRouter(prefix="/r/{link_id}", route_class=refusals.PageRoute, include_in_schema=False)


@router.get("")
def start(request: Request, link_id: str) -> Response:
    return _start(request, link_id)


@router.post("/password", dependencies=[SameOrigin])
def show_password(request: Request, link_id: str, password: Annotated[str, Form()] = "") -> Response:
    client = security.client_address(request)
    try:
        cookie = proving.by_password(services(request), link_id, password=password, client=client)
    except (PasswordWrong, RateLimited) as error:
        return _start(request, link_id, error)
    return _opened(link_id, cookie)


@router.post("/account")
def show_account(request: Request, link_id: str, viewer: Submitting) -> Response:
    client = security.client_address(request)
    try:
        cookie = proving.by_account(services(request), link_id, viewer, client=client)
    except NotTheRecipient as error:
        return _start(request, link_id, error)
    return _opened(link_id, cookie)


@router.post("/open", dependencies=[SameOrigin])
def open_link(request: Request, link_id: str) -> Response:
    return _opened(link_id, proving.by_link(services(request), link_id, client=security.client_address(request)))


@router.post("/code", dependencies=[SameOrigin])
def send_code(request: Request, link_id: str) -> Response:
    client = security.client_address(request)
    try:
        browser = proving.request_code(services(request), link_id, client=client)
    except RateLimited as error:
        return _enter_code(request, link_id, error)
    answer = context.redirect(f"/r/{link_id}/verify")
    security.set_browser_cookie(answer, link_id, browser)
    return answer


@router.get("/verify")
def code_page(request: Request, link_id: str) -> Response:
    recipients.look_up(services(request), link_id, client=security.client_address(request))
    return page(request, "recipient/code.html", link_id=link_id)


@router.post("/verify", dependencies=[SameOrigin])
def verify(request: Request, link_id: str, code: Annotated[str, Form()] = "") -> Response:
    try:
        cookie = proving.verify(
            services(request),
            link_id,
            code=code,
            browser=security.browser(request, link_id),
            client=security.client_address(request),
        )
    except (CodeWrong, CodeExpired, CodeExhausted, RateLimited) as error:
        return _enter_code(request, link_id, error)
    return _opened(link_id, cookie)


@router.get("/files")
def files_page(request: Request, link_id: str) -> Response:
    return _files(request, link_id)


@router.post("/files/{file_id}/download")
def open_download(request: Request, link_id: str, file_id: str) -> Response:
    """Open a download as the API does, then lead the browser, which now has its cookie, to the content."""
    reader = Reader(Capacity.RECIPIENT, security.recipient(request, link_id).recipient_id)
    answer = context.redirect(f"/downloads/{file_id}")
    try:
        download.opened_file(request, answer, services(request), reader, file_id)
    except (DownloadsExhausted, RateLimited) as error:
        return _files(request, link_id, error)
    return answer


@router.post("/archive")
def open_archive(request: Request, link_id: str) -> Response:
    """All files in one archive."""
    recipient = security.recipient(request, link_id)
    reader = Reader(Capacity.RECIPIENT, recipient.recipient_id)
    answer = context.redirect(f"/downloads/archives/{recipient.transfer_id}")
    try:
        download.opened_archive(request, answer, services(request), reader, recipient.transfer_id)
    except (DownloadsExhausted, ArchiveNotReady, RateLimited) as error:
        return _files(request, link_id, error)
    return answer


def _files(request: Request, link_id: str, error: KozutumiError | None = None) -> Response:
    delivery = recipients.delivery(services(request), security.recipient(request, link_id))
    return page(
        request,
        "recipient/files.html",
        status=error.status if error else 200,
        path=f"/r/{link_id}/files",
        problem=refusals.sentence(request, error) if error else None,
        link_id=link_id,
        delivery=delivery,
        sender=delivery.sender_name or delivery.sender_email,
        files=[views.shown_file(file) for file in delivery.files],
    )


def _start(
    request: Request, link_id: str, error: PasswordWrong | NotTheRecipient | RateLimited | None = None
) -> Response:
    """The way in, by the proof that is asked for. Looking at it opens nothing."""
    seen = recipients.look_up(services(request), link_id, client=security.client_address(request))
    member = context.viewer_or_none(request) if seen.authentication == Authentication.ACCOUNT else None
    answer = page(
        request,
        "recipient/start.html",
        status=error.status if error else 200,
        path=f"/r/{link_id}",
        problem=refusals.with_wait(request, error) if error else None,
        link_id=link_id,
        proof=seen.authentication,
        member=member and member.email,
        csrf=member.csrf if member else "",
    )
    if error is not None and error.retry_after:
        answer.headers["Retry-After"] = str(error.retry_after)
    return answer


def _opened(link_id: str, cookie: str) -> Response:
    answer = context.redirect(f"/r/{link_id}/files")
    security.set_recipient_cookie(answer, link_id, cookie)
    return answer


def _enter_code(
    request: Request, link_id: str, error: CodeWrong | CodeExpired | CodeExhausted | RateLimited
) -> Response:
    answer = page(
        request,
        "recipient/code.html",
        status=error.status,
        path=f"/r/{link_id}/verify",
        problem=refusals.with_wait(request, error),
        link_id=link_id,
    )
    if error.retry_after:
        answer.headers["Retry-After"] = str(error.retry_after)
    return answer
