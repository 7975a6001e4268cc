"""Approvers' side: what waits for them and their decision. A person decides, so no token reaches this."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import AwareDatetime, Field

from kozutumi_app.domain.approvals import COMMENT_LENGTH
from kozutumi_app.domain.tokens import Scope
from kozutumi_app.errors import ApprovalClosed, NotAllowed, NotApprover, NotFound
from kozutumi_app.use_cases import approval_views, approving, substitutes
from kozutumi_app.use_cases.approval_views import Preview, RequestView, WaitingView
from kozutumi_app.use_cases.substitutes import Substitute
from kozutumi_app.web.api.callers import ActingMember, App, Body, Member
from kozutumi_app.web.api.documented import Shown, answers
from kozutumi_app.web.api.shapes import Id, InState
from kozutumi_app.web.paging import After, Limit, cut

router = APIRouter()
RowId = Annotated[str, Path(max_length=64)]


class Decision(Body):
    comment: str = Field(default="", max_length=COMMENT_LENGTH)


class Waiting(Shown):
    approvals: list[WaitingView]
    next: str | None


class Requests(Shown):
    requests: list[RequestView]
    next: str | None


class NewSubstitute(Body):
    """`user_id`: whose voice it is; left out, one's own. Times are RFC 3339 with their zone."""

    substitute_id: str = Field(max_length=64)
    begins_at: AwareDatetime = Field(strict=False)
    ends_at: AwareDatetime = Field(strict=False)
    user_id: str | None = Field(default=None, max_length=64)


class Substitutes(Shown):
    substitutes: list[Substitute]
    next: str | None


@router.get("/approvals", **answers(NotFound))
def list_waiting(user: Member, services: App, limit: Limit = 100, after: After = None) -> Waiting:
    """Exactly the transfers that wait for the caller's decision, oldest first."""
    page = cut(approving.waiting(services, user.user_id), limit, after)
    return Waiting(approvals=approval_views.lines(services, user, page.items), next=page.next)


@router.get("/approvals/{request_id}", **answers(NotFound))
def preview(request_id: RowId, user: Member, services: App) -> Preview:
    """Everything that agreeing would let out. The look is recorded in the audit log."""
    return approval_views.preview(services, user, request_id)


@router.post("/approvals/{request_id}/agree", **answers(NotFound, NotApprover, ApprovalClosed))
def agree(request_id: RowId, body: Decision, user: ActingMember, services: App) -> InState:
    """Give one's voice. The transfer goes on once as many have agreed as the policy needs."""
    state = approving.decide(services, user, request_id, agree=True, comment=body.comment)
    return InState(id=request_id, state=state)


@router.post("/approvals/{request_id}/refuse", **answers(NotFound, NotApprover, ApprovalClosed))
def refuse(request_id: RowId, body: Decision, user: ActingMember, services: App) -> InState:
    """End the request. The transfer is its sender's draft again."""
    state = approving.decide(services, user, request_id, agree=False, comment=body.comment)
    return InState(id=request_id, state=state)


@router.get("/transfers/{transfer_id}/approvals", **answers(NotFound, scope=Scope.TRANSFERS_READ))
def of_transfer(transfer_id: RowId, user: Member, services: App, limit: Limit = 100, after: After = None) -> Requests:
    """What became of one's own transfer's requests, newest first."""
    page = cut(approval_views.of_transfer(services, user, transfer_id), limit, after)
    return Requests(requests=page.items, next=page.next)


@router.get("/substitutes", **answers(NotFound))
def list_substitutes(user: Member, services: App, limit: Limit = 100, after: After = None) -> Substitutes:
    """One's own that are not over, both ways, the first to begin first; an administrator sees all of them."""
    page = cut(substitutes.listed(services, user), limit, after)
    return Substitutes(substitutes=page.items, next=page.next)


@router.post("/substitutes", **answers(NotAllowed, NotFound, status=201))
def name_substitute(body: NewSubstitute, user: ActingMember, services: App) -> Id:
    """Somebody who decides in an approver's place for a time. An administrator may name one for anybody."""
    begins: datetime = body.begins_at
    named = substitutes.name(
        services,
        user,
        user_id=body.user_id or user.user_id,
        substitute_id=body.substitute_id,
        begins_at=begins,
        ends_at=body.ends_at,
    )
    return Id(id=named)


@router.delete("/substitutes/{substitution_id}", **answers(NotFound, status=204))
def remove_substitute(substitution_id: RowId, user: ActingMember, services: App) -> None:
    substitutes.remove(services, user, substitution_id)
