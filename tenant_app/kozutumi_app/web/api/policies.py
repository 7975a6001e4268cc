"""What each level of policy states, for administrators; and for every member what is in force for them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import Field

from kozutumi_app.domain import policy_documents
from kozutumi_app.domain.policies import Approval, Scope
from kozutumi_app.domain.policy_documents import MAX_APPROVALS, MAX_ENTRIES
from kozutumi_app.domain.tokens import Scope as TokenScope
from kozutumi_app.errors import NotFound
from kozutumi_app.use_cases import policies
from kozutumi_app.web.api.callers import ActingAdministrator, Administrator, App, Body, Client, Member
from kozutumi_app.web.api.documented import Shown, answers

router = APIRouter()
RowId = Annotated[str, Path(max_length=64)]
Entry = Annotated[str, Field(min_length=1, max_length=253)]
Entries = Annotated[list[Entry], Field(max_length=MAX_ENTRIES)]
Whole = Annotated[int, Field(ge=0, le=2**53)]


class Document(Body):
    """What one level states; what is left out or null states nothing. Bytes and seconds.

    Types are endings (`.pdf`) or media types (`image/*`), networks are CIDR, approvers `user:<id>` or `group:<id>`.
    """

    allowed_domains: Entries | None = None
    blocked_domains: Entries | None = None
    internal_domains: Entries | None = None
    may_send_outside: bool | None = None
    max_file_size: Whole | None = None
    allowed_types: Entries | None = None
    blocked_types: Entries | None = None
    max_expiry: Whole | None = None
    max_downloads: Whole | None = None
    approval: Annotated[Approval, Field(strict=False)] | None = None
    approvers: Entries | None = None
    approvals_needed: Annotated[int, Field(ge=1, le=MAX_APPROVALS)] | None = None
    approval_expiry: Whole | None = None
    hold_for: Whole | None = None
    networks: Entries | None = None


class InForce(Shown):
    """`allowed_domains`, `allowed_types` and `networks` are lists of lists: each list must let a thing through.

    `origins` names for each field the level that decided: user, group, organization, default, or ceiling where one cut it.
    """

    allowed_domains: list[list[str]]
    blocked_domains: list[str]
    internal_domains: list[str]
    may_send_outside: bool
    max_file_size: int
    allowed_types: list[list[str]]
    blocked_types: list[str]
    max_expiry: int
    max_downloads: int
    approval: str
    approvals_needed: int
    approval_expiry: int
    hold_for: int
    networks: list[list[str]]
    origins: dict[str, str]


@router.get("/policy", **answers(scope=TokenScope.TRANSFERS_READ))
def in_force(user: Member, services: App) -> InForce:
    """The policy in force for the caller."""
    with services.database.read() as tx:
        policy = policies.effective(tx, services, user.user_id)
    return InForce(**policy_documents.shown(policy), origins=dict(policy.origins))


@router.get("/policies/organization", **answers(scope=TokenScope.ADMIN))
def show_organization(user: Administrator, services: App) -> Document:
    return _stated(policies.stated(services, user, Scope.ORGANIZATION))


@router.put("/policies/organization", **answers(status=204, scope=TokenScope.ADMIN))
def state_organization(body: Document, user: ActingAdministrator, services: App, client: Client) -> None:
    """What holds for members of whom nothing more specific is stated."""
    policies.state(services, user, Scope.ORGANIZATION, _document(body), client=client)


@router.get("/policies/ceiling", **answers(scope=TokenScope.ADMIN))
def show_ceiling(user: Administrator, services: App) -> Document:
    return _stated(policies.stated(services, user, Scope.CEILING))


@router.put("/policies/ceiling", **answers(status=204, scope=TokenScope.ADMIN))
def state_ceiling(body: Document, user: ActingAdministrator, services: App, client: Client) -> None:
    """What no level may loosen."""
    policies.state(services, user, Scope.CEILING, _document(body), client=client)


@router.get("/policies/groups/{group_id}", **answers(NotFound, scope=TokenScope.ADMIN))
def show_group(group_id: RowId, user: Administrator, services: App) -> Document:
    return _stated(policies.stated(services, user, Scope.GROUP, group_id))


@router.put("/policies/groups/{group_id}", **answers(NotFound, status=204, scope=TokenScope.ADMIN))
def state_group(group_id: RowId, body: Document, user: ActingAdministrator, services: App, client: Client) -> None:
    policies.state(services, user, Scope.GROUP, _document(body), client=client, subject_id=group_id)


@router.get("/policies/members/{user_id}", **answers(NotFound, scope=TokenScope.ADMIN))
def show_member(user_id: RowId, user: Administrator, services: App) -> Document:
    return _stated(policies.stated(services, user, Scope.USER, user_id))


@router.put("/policies/members/{user_id}", **answers(NotFound, status=204, scope=TokenScope.ADMIN))
def state_member(user_id: RowId, body: Document, user: ActingAdministrator, services: App, client: Client) -> None:
    policies.state(services, user, Scope.USER, _document(body), client=client, subject_id=user_id)


def _document(body: Document) -> dict[str, Any]:
    return body.model_dump(mode="json", exclude_none=True)


def _stated(document: dict[str, Any]) -> Document:
    return Document.model_validate(document)
