"""What the scanner refused, for administrators."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from kozutumi_app.errors import InvalidInput, NotFound, NotReleasable, ReleaseNotAllowed
from kozutumi_app.use_cases import accounts, quarantine, readability
from kozutumi_app.use_cases.sessions import SignedIn
from kozutumi_app.web import paging
from kozutumi_app.web.pages import context, frame, refusals
from kozutumi_app.web.pages.context import Administrator, Submitting
from kozutumi_app.web.pages.rendering import services
from kozutumi_app.web.paging import After

router = APIRouter(prefix="/quarantine", route_class=refusals.PageRoute, include_in_schema=False)


@router.get("")
def quarantine_page(request: Request, viewer: Administrator, after: After = None) -> Response:
    return _show(request, viewer, after=after)


@router.post("/{file_id}/release")
def release(request: Request, viewer: Submitting, file_id: str, comment: Annotated[str, Form()] = "") -> Response:
    accounts.require_administrator(viewer)
    try:
        quarantine.release(services(request), viewer, file_id, comment)
    except (InvalidInput, ReleaseNotAllowed, NotReleasable, NotFound) as error:
        return _show(request, viewer, status=error.status, problem=refusals.sentence(request, error))
    return context.redirect("/quarantine")


@router.post("/{file_id}/scan")
def scan_again(request: Request, viewer: Submitting, file_id: str) -> Response:
    accounts.require_administrator(viewer)
    try:
        quarantine.scan_again(services(request), viewer, file_id)
    except (NotReleasable, NotFound) as error:
        return _show(request, viewer, status=error.status, problem=refusals.sentence(request, error))
    return context.redirect("/quarantine")


def _show(
    request: Request,
    viewer: SignedIn,
    *,
    status: int = 200,
    problem: str | None = None,
    after: str | None = None,
) -> Response:
    given = services(request)
    page = quarantine.listed(given, viewer, limit=paging.SHOWN, after=after)
    return frame.show(
        request,
        viewer,
        "quarantine.html",
        status=status,
        files=page.files,
        older=page.next,
        after=after,
        may_release=readability.may_release(given),
        problem=problem,
    )
