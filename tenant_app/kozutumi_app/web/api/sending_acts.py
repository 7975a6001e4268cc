"""What a sender does with a transfer after writing it: recipients, reminders, expiry, password."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from kozutumi_app.domain.tokens import Scope
from kozutumi_app.errors import (
    AlreadyRecipient,
    ApprovalNeeded,
    LastRecipient,
    NotFound,
    RateLimited,
    RecipientRefused,
    TransferClosed,
    WeakPassword,
)
from kozutumi_app.use_cases import addressing, reminding, terms
from kozutumi_app.use_cases.addressing import NewRecipient
from kozutumi_app.web.api.callers import ActingMember, App, Body
from kozutumi_app.web.api.documented import Shown, answers
from kozutumi_app.web.api.sending import Recipient
from kozutumi_app.web.api.shapes import Id

router = APIRouter(prefix="/transfers/{transfer_id}")

_WRITE = Scope.TRANSFERS_WRITE


class Expiry(Body):
    """Seconds from delivery."""

    expires_in: Annotated[int, Field(ge=1, le=2**53)]


class NewPassword(Body):
    """Without `password` one is drawn and shown in the answer, this once."""

    password: str | None = Field(default=None, max_length=1000)


class Ends(Shown):
    expires_at: datetime


class Reminded(Shown):
    """Ids of the recipients who are mailed now."""

    recipients: list[str]


class PasswordSet(Shown):
    """`password`: the one that was drawn; null when it was given."""

    password: str | None


@router.post(
    "/recipients",
    **answers(NotFound, TransferClosed, RecipientRefused, AlreadyRecipient, ApprovalNeeded, status=201, scope=_WRITE),
)
def add_recipient(transfer_id: str, body: Recipient, user: ActingMember, services: App) -> Id:
    """Give one more person a grant. Of a delivered transfer they are told at once."""
    to = NewRecipient(body.email, body.locale)
    return Id(id=addressing.add(services, user.user_id, transfer_id, to))


@router.delete(
    "/recipients/{recipient_id}", **answers(NotFound, TransferClosed, LastRecipient, status=204, scope=_WRITE)
)
def remove_recipient(transfer_id: str, recipient_id: str, user: ActingMember, services: App) -> None:
    """End one person's grant at once; a download that runs ends at its next segment."""
    addressing.remove(services, user.user_id, transfer_id, recipient_id)


@router.post(
    "/recipients/{recipient_id}/resend",
    **answers(NotFound, TransferClosed, RateLimited, status=202, scope=_WRITE),
)
def resend(transfer_id: str, recipient_id: str, user: ActingMember, services: App) -> Id:
    """Mail one recipient the link again."""
    reminding.resend(services, user.user_id, transfer_id, recipient_id)
    return Id(id=recipient_id)


@router.post("/remind", **answers(NotFound, TransferClosed, RateLimited, status=202, scope=_WRITE))
def remind(transfer_id: str, user: ActingMember, services: App) -> Reminded:
    """Remind everyone who does not have everything yet."""
    return Reminded(recipients=list(reminding.remind(services, user.user_id, transfer_id)))


@router.post("/expiry", **answers(NotFound, TransferClosed, ApprovalNeeded, scope=_WRITE))
def change_expiry(transfer_id: str, body: Expiry, user: ActingMember, services: App) -> Ends:
    """Extend or shorten, within the ceiling of the member's policy."""
    return Ends(expires_at=terms.change_expiry(services, user.user_id, transfer_id, body.expires_in))


@router.post("/password", **answers(NotFound, TransferClosed, WeakPassword, scope=_WRITE))
def change_password(transfer_id: str, body: NewPassword, user: ActingMember, services: App) -> PasswordSet:
    """Set another password; who opened the transfer before must show it."""
    drawn = terms.change_password(services, user.user_id, transfer_id, body.password)
    return PasswordSet(password=drawn)
