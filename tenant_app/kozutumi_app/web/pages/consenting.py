"""What the provider wants to change and the organization must agree to, for administrators."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from kozutumi_app.errors import ChangeClosed, InvalidInput, NotFound
from kozutumi_app.use_cases import accounts, consent
from kozutumi_app.use_cases.sessions import SignedIn
from kozutumi_app.web.pages import context, frame, refusals
from kozutumi_app.web.pages.context import Administrator, Submitting
from kozutumi_app.web.pages.rendering import services

router = APIRouter(route_class=refusals.PageRoute, include_in_schema=False)
_DECISIONS = {"confirm": True, "refuse": False}


@router.get("/changes")
def changes_page(request: Request, viewer: Administrator) -> Response:
    return _show(request, viewer)


@router.post("/changes")
def decide(
    request: Request, viewer: Submitting, decision: Annotated[str, Form()] = "", change: Annotated[str, Form()] = ""
) -> Response:
    accounts.require_administrator(viewer)
    if decision not in _DECISIONS:
        raise InvalidInput
    try:
        consent.decide(services(request), viewer, change, agree=_DECISIONS[decision])
    except (ChangeClosed, NotFound) as error:
        return _show(request, viewer, status=error.status, problem=refusals.sentence(request, error))
    return context.redirect("/changes")


def _show(request: Request, viewer: SignedIn, *, status: int = 200, problem: str | None = None) -> Response:
    changes = consent.recent(services(request))
    return frame.show(request, viewer, "changes.html", status=status, changes=changes, problem=problem)
