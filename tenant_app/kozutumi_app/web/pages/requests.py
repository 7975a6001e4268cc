"""A member's receive requests: the list, a new one, one with what its guest sent."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from kozutumi_app.domain import quantities
from kozutumi_app.domain.grants import Capacity, Reader
from kozutumi_app.domain.quantities import SIZES
from kozutumi_app.domain.receive_requests import MAXIMUM_FILES, Terms
from kozutumi_app.errors import DownloadsExhausted, InvalidInput, RecipientRefused, RequestOver
from kozutumi_app.use_cases import receive_requests, request_views
from kozutumi_app.use_cases.receive_requests import NewRequest
from kozutumi_app.use_cases.sessions import SignedIn
from kozutumi_app.web import download, paging
from kozutumi_app.web.pages import auditing, context, frame, limits, refusals, views
from kozutumi_app.web.pages.context import Fields, Submitting, Viewer
from kozutumi_app.web.pages.rendering import locale_of, services
from kozutumi_app.web.paging import After

router = APIRouter(prefix="/requests", route_class=refusals.PageRoute, include_in_schema=False)
_MIB = SIZES["MiB"]
_DEFAULT_FILES = 100


@router.get("")
def own_requests(request: Request, viewer: Viewer, after: After = None) -> Response:
    page = request_views.list_own(services(request), viewer.user_id, limit=paging.SHOWN, after=after)
    return frame.show(request, viewer, "requests.html", requests=page.requests, next=page.next, after=after)


@router.get("/new")
def new(request: Request, viewer: Viewer) -> Response:
    return _form(request, viewer, _empty(request, viewer))


@router.post("/new")
def create(request: Request, viewer: Submitting, fields: Fields) -> Response:
    form = _empty(request, viewer)
    form = {name: fields.get(name, default) for name, default in form.items()}
    try:
        request_id = receive_requests.create(services(request), viewer.user_id, _asked(form))
    except (InvalidInput, RecipientRefused) as error:
        wrong_size = _has_wrong_size(request, form)
        return _form(request, viewer, form, error=InvalidInput() if wrong_size else error, wrong_size=wrong_size)
    return context.redirect(f"/requests/{request_id}")


@router.get("/{request_id}")
def request_page(request: Request, viewer: Viewer, request_id: str) -> Response:
    return _show(request, viewer, request_id)


@router.post("/{request_id}/close")
def close(request: Request, viewer: Submitting, request_id: str) -> Response:
    receive_requests.close(services(request), viewer.user_id, request_id)
    return context.redirect(f"/requests/{request_id}")


@router.post("/{request_id}/remind")
def remind(request: Request, viewer: Submitting, request_id: str) -> Response:
    try:
        receive_requests.remind(services(request), viewer.user_id, request_id)
    except RequestOver as error:
        return _show(request, viewer, request_id, error=error)
    return context.redirect(f"/requests/{request_id}")


@router.post("/{request_id}/extend")
def extend(request: Request, viewer: Submitting, request_id: str, expires_in: Annotated[str, Form()] = "") -> Response:
    try:
        receive_requests.extend(services(request), viewer.user_id, request_id, _whole(expires_in))
    except (InvalidInput, RequestOver) as error:
        return _show(request, viewer, request_id, error=error)
    return context.redirect(f"/requests/{request_id}")


@router.post("/{request_id}/files/{file_id}/download")
def open_download(request: Request, viewer: Submitting, request_id: str, file_id: str) -> Response:
    given = services(request)
    reader = Reader(Capacity.RECIPIENT, request_views.reader(given, viewer.user_id, request_id, file_id))
    answer = context.redirect(f"/downloads/{file_id}")
    try:
        download.opened_file(request, answer, given, reader, file_id)
    except DownloadsExhausted as error:
        return _show(request, viewer, request_id, error=error)
    return answer


def _whole(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise InvalidInput from None
    if not 0 < number < 2**53:
        raise InvalidInput
    return number


def _size(form: dict[str, str]) -> int:
    return quantities.read(form["max_bytes"], form["max_bytes_unit"], SIZES)


def _has_wrong_size(request: Request, form: dict[str, str]) -> bool:
    try:
        return not 0 < _size(form) <= services(request).settings.quota_storage
    except InvalidInput:
        return True


def _asked(form: dict[str, str]) -> NewRequest:
    terms = Terms(
        once=form["once"] != "many",
        expires_in=_whole(form["expires_in"]),
        max_files=_whole(form["max_files"]),
        max_bytes=_size(form),
        types=tuple(re.split(r"[\s,;、，；]+", form["types"])),
    )
    message = form["message"].replace("\r\n", "\n")
    return NewRequest(form["email"], form["subject"], terms, message, form["locale"] or None)


def _empty(request: Request, viewer: SignedIn) -> dict[str, str]:
    allowed = limits.of(services(request), viewer.user_id)
    number, unit = quantities.write(max(_MIB, allowed.max_file_size // _MIB * _MIB), SIZES)
    return {
        "email": "",
        "locale": locale_of(request),
        "subject": "",
        "message": "",
        "once": "once",
        "expires_in": str(allowed.default_expiry),
        "max_files": str(_DEFAULT_FILES),
        "max_bytes": number,
        "max_bytes_unit": unit,
        "types": "",
    }


def _form(
    request: Request,
    viewer: SignedIn,
    form: dict[str, str],
    *,
    error: InvalidInput | RecipientRefused | None = None,
    wrong_size: bool = False,
) -> Response:
    return frame.show(
        request,
        viewer,
        "request_new.html",
        status=error.status if error else 200,
        problem=refusals.sentence(request, error) if error else None,
        limits=limits.of(services(request), viewer.user_id),
        most_files=MAXIMUM_FILES,
        units=SIZES,
        largest=services(request).settings.quota_storage,
        wrong_size=wrong_size,
        form=form,
    )


def _show(
    request: Request,
    viewer: SignedIn,
    request_id: str,
    error: InvalidInput | RequestOver | DownloadsExhausted | None = None,
) -> Response:
    given = services(request)
    view = request_views.show(given, viewer.user_id, request_id)
    history = request_views.history(given, viewer.user_id, request_id)
    return frame.show(
        request,
        viewer,
        "request.html",
        status=error.status if error else 200,
        path=f"/requests/{request_id}",
        problem=refusals.sentence(request, error) if error else None,
        limits=limits.of(given, viewer.user_id),
        asked=view,
        answers=[(answer, [views.shown_file(file) for file in answer.files]) for answer in view.answers],
        events=[auditing.shown(event) for event in history],
    )
