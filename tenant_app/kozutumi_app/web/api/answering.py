"""The guest's side of a receive request. GET and HEAD change nothing; a link alone shows nothing of the request."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Request, Response
from pydantic import Field

from kozutumi_app.errors import CodeExhausted, CodeExpired, CodeWrong, Draining, NotDeliverable, NotFound, RequestOver
from kozutumi_app.use_cases import answers as cases
from kozutumi_app.use_cases import guests
from kozutumi_app.web import security
from kozutumi_app.web.api.callers import App, Body, Client, Guest, SameOrigin
from kozutumi_app.web.api.documented import Shown, answers

router = APIRouter(prefix="/q/{link_id}")


class GuestCode(Body):
    code: str = Field(max_length=64)


class Note(Body):
    """What goes with the files to whoever asked for them."""

    note: str = Field(default="", max_length=cases.NOTE_LENGTH)


class OpenRequest(Shown):
    locale: str
    expires_at: datetime


class CodeSent(Shown):
    pass


class GuestProven(Shown):
    proven: bool


class GuestFile(Shown):
    id: str
    name: str
    size: int
    offset: int
    state: str


class Draft(Shown):
    """What was uploaded and not sent yet."""

    id: str
    files: list[GuestFile]


class AskedFor(Shown):
    """Sizes are bytes; what is left is for all files together. `types`: file name extensions, none for any."""

    owner_name: str
    owner_email: str
    guest_email: str
    subject: str
    message: str
    once: bool
    expires_at: datetime
    types: list[str]
    max_file_size: int
    files_left: int
    bytes_left: int
    answer: Draft | None
    sent: int


class UploadRight(Shown):
    """Upload by tus to /files/ with metadata `transfer` and this token in the header Upload-Token."""

    transfer_id: str
    upload_token: str
    expires_at: datetime


class Sent(Shown):
    state: str


@router.get("", **answers(NotFound, RequestOver))
def look_up(link_id: str, services: App, client: Client) -> OpenRequest:
    return OpenRequest.model_validate(guests.look_up(services, link_id, client=client))


@router.post("/code", dependencies=[SameOrigin], **answers(NotFound, RequestOver, status=202))
def request_code(link_id: str, response: Response, services: App, client: Client) -> CodeSent:
    security.set_browser_cookie(response, link_id, guests.request_code(services, link_id, client=client))
    return CodeSent()


@router.post(
    "/verify",
    dependencies=[SameOrigin],
    **answers(NotFound, RequestOver, CodeWrong, CodeExpired, CodeExhausted),
)
def verify(
    link_id: str, body: GuestCode, request: Request, response: Response, services: App, client: Client
) -> GuestProven:
    browser = security.browser(request, link_id)
    cookie = guests.verify(services, link_id, code=body.code, browser=browser, client=client)
    security.set_guest_cookie(response, link_id, cookie)
    return GuestProven(proven=True)


@router.get("/asked", **answers())
def show(guest: Guest, services: App) -> AskedFor:
    """What was asked for, and by whom."""
    return AskedFor.model_validate(guests.asked(services, guest))


@router.post("/uploads", **answers(Draining, status=201))
def begin(guest: Guest, services: App) -> UploadRight:
    """Begin an answer, or go on with the one begun; each call gives a fresh token."""
    return UploadRight.model_validate(cases.begin(services, guest.request_id))


@router.post("/send", **answers(NotDeliverable))
def send(body: Note, guest: Guest, services: App) -> Sent:
    """Close the list of files. Each is scanned; whoever asked is told then."""
    return Sent(state=cases.finish(services, guest.request_id, body.note))
