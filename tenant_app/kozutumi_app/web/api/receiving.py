"""The recipient's side. GET and HEAD change nothing; a link alone shows nothing of the transfer."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Request, Response
from pydantic import Field

from kozutumi_app.domain.tokens import Scope
from kozutumi_app.errors import (
    CodeExhausted,
    CodeExpired,
    CodeWrong,
    NotFound,
    NotTheRecipient,
    OtherProofNeeded,
    PasswordWrong,
    TransferOver,
)
from kozutumi_app.use_cases import proving, recipients
from kozutumi_app.use_cases.recipients import Unproven
from kozutumi_app.web import security
from kozutumi_app.web.api.callers import ActingMember, App, Body, Client, Recipient, SameOrigin
from kozutumi_app.web.api.documented import Shown, answers

router = APIRouter(prefix="/r/{link_id}")


class Code(Body):
    code: str = Field(max_length=64)


class Password(Body):
    password: str = Field(max_length=1000)


class Nothing(Shown):
    pass


class Proven(Shown):
    proven: bool


class DeliveredFile(Shown):
    id: str
    name: str
    path: str
    size: int
    media_type: str
    sha256: str | None
    unscanned: bool = Field(description="No virus scanner looked inside; an administrator released it all the same.")


class Delivered(Shown):
    sender_name: str
    sender_email: str
    recipient_email: str
    subject: str
    message: str
    expires_at: datetime
    max_downloads: int
    files: list[DeliveredFile]


@router.get("", **answers(NotFound, TransferOver))
def look_up(link_id: str, services: App, client: Client) -> Unproven:
    return recipients.look_up(services, link_id, client=client)


@router.post("/code", dependencies=[SameOrigin], **answers(NotFound, TransferOver, OtherProofNeeded, status=202))
def request_code(link_id: str, response: Response, services: App, client: Client) -> Nothing:
    security.set_browser_cookie(response, link_id, proving.request_code(services, link_id, client=client))
    return Nothing()


@router.post(
    "/verify",
    dependencies=[SameOrigin],
    **answers(NotFound, TransferOver, OtherProofNeeded, CodeWrong, CodeExpired, CodeExhausted),
)
def verify(link_id: str, body: Code, request: Request, response: Response, services: App, client: Client) -> Proven:
    browser = security.browser(request, link_id)
    cookie = proving.verify(services, link_id, code=body.code, browser=browser, client=client)
    security.set_recipient_cookie(response, link_id, cookie)
    return Proven(proven=True)


@router.post("/password", dependencies=[SameOrigin], **answers(NotFound, TransferOver, OtherProofNeeded, PasswordWrong))
def show_password(link_id: str, body: Password, response: Response, services: App, client: Client) -> Proven:
    cookie = proving.by_password(services, link_id, password=body.password, client=client)
    security.set_recipient_cookie(response, link_id, cookie)
    return Proven(proven=True)


@router.post(
    "/account", **answers(NotFound, TransferOver, OtherProofNeeded, NotTheRecipient, scope=Scope.TRANSFERS_READ)
)
def show_account(link_id: str, user: ActingMember, response: Response, services: App, client: Client) -> Proven:
    """For the member who has the recipient's address. The proof ends with their session, or their personal token."""
    cookie = proving.by_account(services, link_id, user, client=client)
    security.set_recipient_cookie(response, link_id, cookie)
    return Proven(proven=True)


@router.post("/open", dependencies=[SameOrigin], **answers(NotFound, TransferOver, OtherProofNeeded))
def open_link(link_id: str, response: Response, services: App, client: Client) -> Proven:
    """Where the organization lets the link alone open the files."""
    security.set_recipient_cookie(response, link_id, proving.by_link(services, link_id, client=client))
    return Proven(proven=True)


@router.get("/files", **answers())
def list_files(recipient: Recipient, services: App) -> Delivered:
    return Delivered.model_validate(recipients.delivery(services, recipient))
