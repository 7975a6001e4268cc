"""Receive requests, as the member who makes them sees them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import Field

from kozutumi_app.domain.grants import Capacity, Reader
from kozutumi_app.domain.receive_requests import MAXIMUM_FILES, MAXIMUM_TYPES, MESSAGE_LENGTH, SUBJECT_LENGTH, Terms
from kozutumi_app.domain.tokens import Scope
from kozutumi_app.errors import DownloadsExhausted, Draining, NotFound, RecipientRefused, RequestOver, TransferOver
from kozutumi_app.use_cases import receive_requests, request_views
from kozutumi_app.use_cases.receive_requests import NewRequest
from kozutumi_app.use_cases.request_views import RequestView
from kozutumi_app.use_cases.transfer_views import FileView
from kozutumi_app.web import download
from kozutumi_app.web.api.callers import ActingMember, App, Body, Member
from kozutumi_app.web.api.documented import Shown, answers
from kozutumi_app.web.api.shapes import Events, events_shown
from kozutumi_app.web.paging import After, Before, EventLimit, Limit

router = APIRouter(prefix="/requests")
_LARGEST = 2**53
Id = Annotated[str, Path(max_length=64)]


class New(Body):
    """`expires_in` is seconds, `max_bytes` of all files together. `types`: file name extensions, none for any."""

    email: str = Field(max_length=320)
    subject: str = Field(default="", max_length=SUBJECT_LENGTH)
    message: str = Field(default="", max_length=MESSAGE_LENGTH)
    locale: str | None = Field(default=None, max_length=8)
    once: bool = True
    expires_in: int = Field(ge=1, le=_LARGEST)
    max_files: int = Field(default=100, ge=1, le=MAXIMUM_FILES)
    max_bytes: int = Field(ge=1, le=_LARGEST)
    types: list[Annotated[str, Field(max_length=32)]] = Field(default_factory=list, max_length=MAXIMUM_TYPES)


class Extension(Body):
    """Seconds from now."""

    expires_in: int = Field(ge=1, le=_LARGEST)


class SentAnswer(Shown):
    """What the guest sent at once. Only files that are Clean (or released) can be downloaded."""

    id: str
    state: str
    note: str
    created_at: datetime
    delivered_at: datetime | None
    expires_at: datetime
    files: list[FileView]


class ReceiveRequest(Shown):
    id: str
    state: str
    email: str
    locale: str
    subject: str
    message: str
    once: bool
    types: list[str]
    max_files: int
    max_bytes: int
    files_used: int
    bytes_used: int
    created_at: datetime
    expires_at: datetime
    closed_at: datetime | None
    mail_state: str | None
    mail_status: str | None
    answers: list[SentAnswer]


class ReceiveRequests(Shown):
    """`next` is the `after` of the next page, null on the last."""

    requests: list[ReceiveRequest]
    next: str | None


class OpenedDownload(Shown):
    """Where the content is read from, in the browser that has just been given a cookie for it."""

    url: str


@router.post("", **answers(RecipientRefused, Draining, status=201, scope=Scope.REQUESTS_WRITE))
def create(body: New, user: ActingMember, services: App) -> ReceiveRequest:
    """Ask a guest for files; they are mailed a link."""
    terms = Terms(body.once, body.expires_in, body.max_files, body.max_bytes, tuple(body.types))
    new = NewRequest(body.email, body.subject, terms, body.message, body.locale or user.locale)
    return _shown(request_views.show(services, user.user_id, receive_requests.create(services, user.user_id, new)))


@router.get("", **answers(NotFound, scope=Scope.REQUESTS_READ))
def list_own(user: Member, services: App, limit: Limit = 100, after: After = None) -> ReceiveRequests:
    """Newest first."""
    page = request_views.list_own(services, user.user_id, limit=limit, after=after)
    return ReceiveRequests(requests=[_shown(view) for view in page.requests], next=page.next)


@router.get("/{request_id}", **answers(NotFound, scope=Scope.REQUESTS_READ))
def show(request_id: Id, user: Member, services: App) -> ReceiveRequest:
    return _shown(request_views.show(services, user.user_id, request_id))


@router.get("/{request_id}/history", **answers(NotFound, scope=Scope.REQUESTS_READ))
def history(request_id: Id, user: Member, services: App, before: Before = None, limit: EventLimit = 100) -> Events:
    events = request_views.history(services, user.user_id, request_id, before=before, limit=limit)
    return events_shown(events, limit)


@router.post("/{request_id}/extend", **answers(NotFound, RequestOver, scope=Scope.REQUESTS_WRITE))
def extend(request_id: Id, body: Extension, user: ActingMember, services: App) -> ReceiveRequest:
    """Set a new end; also of one that has expired, never of one that was closed."""
    receive_requests.extend(services, user.user_id, request_id, body.expires_in)
    return _shown(request_views.show(services, user.user_id, request_id))


@router.post("/{request_id}/remind", **answers(NotFound, RequestOver, status=202, scope=Scope.REQUESTS_WRITE))
def remind(request_id: Id, user: ActingMember, services: App) -> ReceiveRequest:
    """Mail the guest again."""
    receive_requests.remind(services, user.user_id, request_id)
    return _shown(request_views.show(services, user.user_id, request_id))


@router.post("/{request_id}/close", **answers(NotFound, scope=Scope.REQUESTS_WRITE))
def close(request_id: Id, user: ActingMember, services: App) -> ReceiveRequest:
    """Take nothing more. What the guest had not finished is erased; what was sent stays."""
    receive_requests.close(services, user.user_id, request_id)
    return _shown(request_views.show(services, user.user_id, request_id))


@router.post(
    "/{request_id}/files/{file_id}/download",
    **answers(NotFound, TransferOver, DownloadsExhausted, Draining, status=201, scope=Scope.REQUESTS_READ),
)
def open_download(
    request_id: Id, file_id: Id, request: Request, response: Response, user: ActingMember, services: App
) -> OpenedDownload:
    reader = Reader(Capacity.RECIPIENT, request_views.reader(services, user.user_id, request_id, file_id))
    opened = download.opened_file(request, response, services, reader, file_id)
    return OpenedDownload(url=opened.url)


def _shown(view: RequestView) -> ReceiveRequest:
    return ReceiveRequest.model_validate(view)
