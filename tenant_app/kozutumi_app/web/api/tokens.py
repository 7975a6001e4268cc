"""Tokens for programs. Only a person with a session makes or ends one: a token cannot beget another."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter
from pydantic import Field

from kozutumi_app.domain.tokens import MAXIMUM_LIFE, Scope
from kozutumi_app.errors import NotAllowed, NotFound
from kozutumi_app.use_cases import service_accounts, tokens
from kozutumi_app.use_cases.service_accounts import ServiceAccount
from kozutumi_app.use_cases.tokens import Issued, Token
from kozutumi_app.web.api.callers import ActingAdministrator, ActingMember, Administrator, App, Body, Member
from kozutumi_app.web.api.documented import Shown, answers
from kozutumi_app.web.api.shapes import Id
from kozutumi_app.web.paging import After, Limit, cut

router = APIRouter()
_NAME: Final[Any] = Field(min_length=1, max_length=100)


class NewToken(Body):
    """`expires_in_days`: how long it lives."""

    name: Annotated[str, _NAME]
    scopes: list[str] = Field(min_length=1, max_length=len(Scope), examples=[["transfers:write"]])
    expires_in_days: int = Field(default=90, ge=1, le=MAXIMUM_LIFE.days)


class NewServiceAccount(Body):
    """`contact`: the address that gets the mails a sender gets; yours if you name none."""

    name: Annotated[str, _NAME]
    contact: str | None = Field(default=None, max_length=254)


class IssuedShown(Shown):
    """`token` is shown this once; null in the answer to a repeated Idempotency-Key."""

    id: str
    token: str | None
    expires_at: datetime


class Tokens(Shown):
    tokens: list[Token]
    next: str | None


class ServiceAccounts(Shown):
    service_accounts: list[ServiceAccount]
    next: str | None


@router.get("/tokens", **answers(NotFound))
def list_tokens(user: Member, services: App, limit: Limit = 100, after: After = None) -> Tokens:
    """One's own, newest first, ended ones too."""
    page = cut(tokens.listed(services, user.user_id), limit, after)
    return Tokens(tokens=page.items, next=page.next)


@router.post("/tokens", **answers(NotAllowed, status=201, shown_once="token"))
def issue(body: NewToken, user: ActingMember, services: App) -> IssuedShown:
    """A token that acts as oneself, within its scopes and never beyond one's own role."""
    made = tokens.issue(services, user, name=body.name, scopes=body.scopes, days=body.expires_in_days)
    return _shown(made)


@router.delete("/tokens/{token_id}", **answers(NotFound, status=204))
def revoke(token_id: str, user: ActingMember, services: App) -> None:
    tokens.revoke(services, user, token_id)


@router.get("/service-accounts", **answers(NotFound, scope=Scope.ADMIN))
def list_accounts(user: Administrator, services: App, limit: Limit = 100, after: After = None) -> ServiceAccounts:
    """Oldest first, with their tokens."""
    del user
    page = cut(service_accounts.listed(services), limit, after)
    return ServiceAccounts(service_accounts=page.items, next=page.next)


@router.post("/service-accounts", **answers(status=201))
def create_account(body: NewServiceAccount, user: ActingAdministrator, services: App) -> Id:
    return Id(id=service_accounts.create(services, user, name=body.name, contact=body.contact))


@router.post("/service-accounts/{account_id}/disable", **answers(NotFound, status=204))
def disable_account(account_id: str, user: ActingAdministrator, services: App) -> None:
    service_accounts.set_disabled(services, user, account_id, disabled=True)


@router.post("/service-accounts/{account_id}/enable", **answers(NotFound, status=204))
def enable_account(account_id: str, user: ActingAdministrator, services: App) -> None:
    service_accounts.set_disabled(services, user, account_id, disabled=False)


@router.post("/service-accounts/{account_id}/tokens", **answers(NotFound, status=201, shown_once="token"))
def issue_for_account(account_id: str, body: NewToken, user: ActingAdministrator, services: App) -> IssuedShown:
    """A token that acts as the service account, within its scopes."""
    made = tokens.issue(
        services, user, name=body.name, scopes=body.scopes, days=body.expires_in_days, account_id=account_id
    )
    return _shown(made)


@router.delete("/service-accounts/{account_id}/tokens/{token_id}", **answers(NotFound, status=204))
def revoke_for_account(account_id: str, token_id: str, user: ActingAdministrator, services: App) -> None:
    tokens.revoke(services, user, token_id, account_id=account_id)


def _shown(made: Issued) -> IssuedShown:
    return IssuedShown(id=made.id, token=made.token, expires_at=made.expires_at)
