"""Pages of approvers: what waits for them, one transfer in full with the decision, and who stands in for whom."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from kozutumi_app.errors import ApprovalClosed, InvalidInput, NotApprover, NotFound
from kozutumi_app.use_cases import accounts, approval_views, approving, substitutes
from kozutumi_app.use_cases.accounts import Member
from kozutumi_app.use_cases.sessions import SignedIn
from kozutumi_app.web import paging
from kozutumi_app.web.pages import context, frame, refusals
from kozutumi_app.web.pages.context import Submitting, Viewer
from kozutumi_app.web.pages.rendering import services
from kozutumi_app.web.paging import After

router = APIRouter(route_class=refusals.PageRoute, include_in_schema=False)
_DECISIONS: Final = {"agree": True, "refuse": False}
_NOBODY: Final = MappingProxyType({"substitute": "", "begins": "", "ends": ""})


@router.get("/approvals")
def approvals_page(request: Request, viewer: Viewer, after: After = None) -> Response:
    return _list(request, viewer, after=after)


@router.get("/approvals/{request_id}")
def approval_page(request: Request, viewer: Viewer, request_id: str) -> Response:
    return _show(request, viewer, request_id)


@router.post("/approvals/{request_id}")
def decide(
    request: Request,
    viewer: Submitting,
    request_id: str,
    decision: Annotated[str, Form()] = "",
    comment: Annotated[str, Form()] = "",
) -> Response:
    try:
        agree = _agrees(decision)
        approving.decide(services(request), viewer, request_id, agree=agree, comment=comment.replace("\r\n", "\n"))
    except InvalidInput as error:
        return _show(request, viewer, request_id, status=error.status, problem=refusals.sentence(request, error))
    except (ApprovalClosed, NotApprover) as error:
        return _list(request, viewer, status=error.status, problem=refusals.sentence(request, error))
    return context.redirect("/approvals")


@router.post("/substitutes")
def name_substitute(
    request: Request,
    viewer: Submitting,
    substitute: Annotated[str, Form()] = "",
    begins: Annotated[str, Form()] = "",
    ends: Annotated[str, Form()] = "",
) -> Response:
    """Whole days in Japan or UTC would differ by hours; the day as a whole counts, in UTC, from its first to its last moment."""
    try:
        substitutes.name(
            services(request),
            viewer,
            user_id=viewer.user_id,
            substitute_id=accounts.named(services(request), substitute),
            begins_at=_day(begins),
            ends_at=_day(ends) + timedelta(days=1),
        )
    except (InvalidInput, NotFound) as error:
        typed = {"substitute": substitute, "begins": begins, "ends": ends}
        return _list(request, viewer, status=error.status, problem=refusals.sentence(request, error), typed=typed)
    return context.redirect("/approvals")


@router.post("/substitutes/{substitution_id}/remove")
def remove_substitute(request: Request, viewer: Submitting, substitution_id: str) -> Response:
    substitutes.remove(services(request), viewer, substitution_id)
    return context.redirect("/approvals")


def _agrees(decision: str) -> bool:
    if decision not in _DECISIONS:
        raise InvalidInput
    return _DECISIONS[decision]


def _day(text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time(tzinfo=UTC))
    except ValueError:
        raise InvalidInput from None


def _list(
    request: Request,
    viewer: SignedIn,
    *,
    after: str | None = None,
    status: int = 200,
    problem: str | None = None,
    typed: Mapping[str, str] = _NOBODY,
) -> Response:
    given = services(request)
    page = paging.shown(approving.waiting(given, viewer.user_id), after)
    mine = [each for each in substitutes.listed(given, viewer) if each.user_id == viewer.user_id]
    people = {each.id: each for each in accounts.members(given, [each.substitute_id for each in mine])}
    return frame.show(
        request,
        viewer,
        "approvals.html",
        status=status,
        path="/approvals",
        problem=problem,
        page=page,
        approvals=approval_views.lines(given, viewer, page.items),
        form=typed,
        substitutes=[(each, _called(people.get(each.substitute_id))) for each in mine],
    )


def _show(
    request: Request, viewer: SignedIn, request_id: str, *, status: int = 200, problem: str | None = None
) -> Response:
    shown = approval_views.preview(services(request), viewer, request_id)
    return frame.show(
        request,
        viewer,
        "approval.html",
        status=status,
        path=f"/approvals/{request_id}",
        problem=problem,
        preview=shown,
        request_id=request_id,
    )


def _called(member: Member | None) -> str:
    return "–" if member is None else member.name or member.email
