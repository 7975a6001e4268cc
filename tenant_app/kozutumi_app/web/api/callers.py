"""Who calls: dependencies of the API's routes. What each asks and how it refuses is declared for the OpenAPI document."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict

from kozutumi_app.errors import (
    CsrfFailed,
    GuestNotProven,
    NetworkNotAllowed,
    NotAllowed,
    NotFound,
    NotSignedIn,
    RecipientNotProven,
    RequestOver,
    ScopeMissing,
    TokenInvalid,
    TransferOver,
)
from kozutumi_app.services import Services
from kozutumi_app.use_cases import guests
from kozutumi_app.use_cases.accounts import require_administrator
from kozutumi_app.use_cases.recipients import ProvenRecipient
from kozutumi_app.use_cases.sessions import SignedIn
from kozutumi_app.web import security
from kozutumi_app.web.api.documented import asks

SESSION: Final = "session"  # security schemes of the OpenAPI document
RECIPIENT: Final = "recipient"
GUEST: Final = "guest"
TOKEN: Final = "token"  # noqa: S105 - the scheme's name
_KNOWN: Final = (NotSignedIn, TokenInvalid, ScopeMissing, NetworkNotAllowed)


class Body(BaseModel):
    """A request's body; a field nobody knows is an error, not a typing mistake that goes unnoticed."""

    model_config = ConfigDict(extra="forbid", strict=True)


@asks(SESSION, TOKEN, refusals=_KNOWN)
def _member(request: Request) -> SignedIn:
    return security.member(request)


@asks(SESSION, TOKEN, refusals=(*_KNOWN, CsrfFailed))
def _acting_member(request: Request) -> SignedIn:
    return security.acting_member(request)


@asks(SESSION, TOKEN, refusals=(*_KNOWN, NotAllowed))
def _administrator(request: Request) -> SignedIn:
    user = security.member(request)
    require_administrator(user)
    return user


@asks(SESSION, TOKEN, refusals=(*_KNOWN, NotAllowed, CsrfFailed))
def _acting_administrator(request: Request) -> SignedIn:
    user = security.acting_member(request)
    require_administrator(user)
    return user


@asks(RECIPIENT, refusals=(RecipientNotProven, CsrfFailed, NotFound, TransferOver))
def _recipient(link_id: str, request: Request) -> ProvenRecipient:
    return security.recipient(request, link_id)


@asks(GUEST, refusals=(GuestNotProven, CsrfFailed, NotFound, RequestOver))
def _guest(link_id: str, request: Request) -> guests.Guest:
    return security.guest(request, link_id)


@asks(refusals=(CsrfFailed,))
def _same_origin(request: Request) -> None:
    security.require_same_origin(request)


App = Annotated[Services, Depends(security.services_of)]
Member = Annotated[SignedIn, Depends(_member)]
ActingMember = Annotated[SignedIn, Depends(_acting_member)]
Administrator = Annotated[SignedIn, Depends(_administrator)]
ActingAdministrator = Annotated[SignedIn, Depends(_acting_administrator)]
Recipient = Annotated[ProvenRecipient, Depends(_recipient)]
Guest = Annotated[guests.Guest, Depends(_guest)]
Client = Annotated[str, Depends(security.client_address)]
SameOrigin = Depends(_same_origin)
