from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from kozutumi_app.domain import authentication, sending
from kozutumi_app.domain.policies import common_domains
from kozutumi_app.domain.tokens import Scope
from kozutumi_app.errors import (
    Draining,
    NotDeliverable,
    NotFound,
    ProofTooWeak,
    RecipientRefused,
    TransferClosed,
    WeakPassword,
)
from kozutumi_app.use_cases import allowance, drafts, policies, scanner_facts, transfer_views, transfers, usage
from kozutumi_app.use_cases.addressing import NewRecipient
from kozutumi_app.use_cases.drafts import Created, Draft
from kozutumi_app.use_cases.receipts import Receipt
from kozutumi_app.use_cases.transfer_views import TransferView
from kozutumi_app.web.api.callers import ActingMember, App, Body, Member
from kozutumi_app.web.api.documented import Shown, answers
from kozutumi_app.web.api.shapes import Events, InState, events_shown
from kozutumi_app.web.paging import After, Before, EventLimit, Limit

router = APIRouter()


_BIG = 2**53  # what every JSON reader holds exactly
_CHECKED = (RecipientRefused, ProofTooWeak, WeakPassword)

Seconds = Annotated[int, Field(ge=0, le=_BIG)]


class Recipient(Body):
    email: str = Field(max_length=320)
    locale: str | None = Field(default=None, max_length=8)


class NewTransfer(Body):
    """Seconds from delivery: `expires_in`. Seconds: `hold_for`, after what the organization holds; `warn_before` the end.

    `authentication`: Link, EmailCode, Password or Account. `notify`: Never, First or Each.
    """

    recipients: list[Recipient] = Field(max_length=sending.RECIPIENTS)
    subject: str = Field(default="", max_length=1000)
    message: str = Field(default="", max_length=20_000)
    expires_in: Seconds | None = None
    max_downloads: Seconds | None = None
    authentication: str | None = Field(default=None, max_length=16)
    password: str | None = Field(default=None, max_length=1000)
    hold_for: Seconds = 0
    notify: str = Field(default="First", max_length=8)
    warn_before: Seconds | None = None


class ChangedDraft(Body):
    """What is left out stays as it is; `recipients` replaces all of them."""

    recipients: list[Recipient] | None = Field(default=None, max_length=sending.RECIPIENTS)
    subject: str | None = Field(default=None, max_length=1000)
    message: str | None = Field(default=None, max_length=20_000)
    expires_in: Seconds | None = None
    max_downloads: Seconds | None = None
    authentication: str | None = Field(default=None, max_length=16)
    password: str | None = Field(default=None, max_length=1000)
    hold_for: Seconds | None = None
    notify: str | None = Field(default=None, max_length=8)
    warn_before: Seconds | None = None


class Limits(Shown):
    """Bytes and seconds.

    A file larger than `max_scannable_size` ends as Unscannable: with `unscannable` Reject it is never delivered, with
    AdministratorRelease only after an administrator's release, and marked so. Of `allowed_types` each list must let a file
    through. `monthly_transfer` is what the organization may send in a calendar month (UTC); null: no limit.
    """

    max_file_size: int
    max_scannable_size: int
    unscannable: str
    quota: int
    quota_left: int
    default_expiry: int
    max_expiry: int
    max_downloads: int
    allowed_domains: list[str]
    blocked_domains: list[str]
    authentications: list[str]
    hold_for: int
    longest_hold: int
    max_recipients: int
    may_send_outside: bool
    approval: str
    approvals_needed: int
    allowed_types: list[list[str]]
    blocked_types: list[str]
    monthly_transfer: int | None
    monthly_transfer_left: int | None


@dataclass(frozen=True, slots=True)
class Drafted(TransferView):
    """`password`: the one that was drawn, shown this once."""

    password: str | None = None


class Transfers(Shown):
    """`next`: pass it as `after` for the next page; null on the last."""

    transfers: list[TransferView]
    next: str | None


class Recalled(InState):
    """For each recipient what had left before."""

    recipients: list[Receipt]


@router.get("/limits", **answers(scope=Scope.TRANSFERS_READ))
def limits(user: Member, services: App) -> Limits:
    """What to know before choosing files. Bytes and seconds; of the policy that is in force for the member."""
    settings = services.settings
    with services.database.read() as tx:
        used = usage.measure(tx)
        policy = policies.effective(tx, services, user.user_id)
        month = allowance.measure(tx, services)
    return Limits(
        max_file_size=min(settings.max_file_size, policy.max_file_size),
        max_scannable_size=scanner_facts.largest(services),
        unscannable=settings.unscannable,
        quota=settings.quota_storage,
        quota_left=max(0, settings.quota_storage - used.bytes),
        default_expiry=min(settings.default_expiry, policy.max_expiry),
        max_expiry=policy.max_expiry,
        max_downloads=policy.max_downloads,
        allowed_domains=common_domains(policy.allowed_domains),
        blocked_domains=sorted(policy.blocked_domains),
        authentications=[each.value for each in authentication.allowed(drafts.floor(services))],
        hold_for=policy.hold_for,
        longest_hold=sending.LONGEST_HOLD,
        max_recipients=sending.RECIPIENTS,
        may_send_outside=policy.may_send_outside,
        approval=policy.approval,
        approvals_needed=policy.approvals_needed,
        allowed_types=sorted(map(sorted, policy.allowed_types)),
        blocked_types=sorted(policy.blocked_types),
        monthly_transfer=month.limit,
        monthly_transfer_left=month.left,
    )


@router.post("/transfers", **answers(*_CHECKED, Draining, status=201, scope=Scope.TRANSFERS_WRITE))
def create(body: NewTransfer, user: ActingMember, services: App) -> Drafted:
    draft = Draft(recipients=_addressed(body.recipients), **body.model_dump(exclude={"recipients"}))
    return _drafted(services, user.user_id, drafts.create(services, user.user_id, draft))


@router.patch("/transfers/{transfer_id}", **answers(*_CHECKED, NotFound, TransferClosed, scope=Scope.TRANSFERS_WRITE))
def edit(transfer_id: str, body: ChangedDraft, user: ActingMember, services: App) -> Drafted:
    changes: dict[str, Any] = body.model_dump(exclude_none=True, exclude={"recipients"})
    if body.recipients is not None:
        changes["recipients"] = _addressed(body.recipients)
    return _drafted(services, user.user_id, drafts.edit(services, user.user_id, transfer_id, changes))


@router.get("/transfers", **answers(NotFound, scope=Scope.TRANSFERS_READ))
def list_transfers(user: Member, services: App, limit: Limit = 100, after: After = None) -> Transfers:
    return Transfers.model_validate(transfer_views.list_own(services, user.user_id, limit=limit, after=after))


@router.get("/transfers/{transfer_id}", **answers(NotFound, scope=Scope.TRANSFERS_READ))
def show(transfer_id: str, user: Member, services: App) -> TransferView:
    return transfer_views.show(services, user.user_id, transfer_id)


@router.get("/transfers/{transfer_id}/history", **answers(NotFound, scope=Scope.TRANSFERS_READ))
def history(transfer_id: str, user: Member, services: App, before: Before = None, limit: EventLimit = 100) -> Events:
    events = transfer_views.history(services, user.user_id, transfer_id, before=before, limit=limit)
    return events_shown(events, limit)


@router.post(
    "/transfers/{transfer_id}/send",
    **answers(NotFound, NotDeliverable, TransferClosed, RecipientRefused, ProofTooWeak, scope=Scope.TRANSFERS_WRITE),
)
def send(transfer_id: str, user: ActingMember, services: App) -> InState:
    return InState(id=transfer_id, state=transfers.send(services, user.user_id, transfer_id))


@router.post("/transfers/{transfer_id}/recall", **answers(NotFound, TransferClosed, scope=Scope.TRANSFERS_WRITE))
def recall(transfer_id: str, user: ActingMember, services: App) -> Recalled:
    report = transfers.recall(services, user.user_id, transfer_id)
    return Recalled(id=transfer_id, state="Recalled", recipients=report)


@router.post(
    "/transfers/{transfer_id}/cancel", **answers(NotFound, TransferClosed, status=204, scope=Scope.TRANSFERS_WRITE)
)
def cancel(transfer_id: str, user: ActingMember, services: App) -> None:
    transfers.cancel(services, user.user_id, transfer_id)


def _addressed(wanted: list[Recipient]) -> list[NewRecipient]:
    return [NewRecipient(recipient.email, recipient.locale) for recipient in wanted]


def _drafted(services: App, user_id: str, created: Created) -> Drafted:
    view = transfer_views.show(services, user_id, created.id)
    return Drafted(**{each.name: getattr(view, each.name) for each in fields(view)}, password=created.password)
