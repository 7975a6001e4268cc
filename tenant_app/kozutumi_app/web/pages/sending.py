"""The sender's pages: the list, a new transfer, one transfer and its live status."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from kozutumi_app.errors import Refused, TransferClosed
from kozutumi_app.use_cases import approval_views, drafts, transfer_views, transfers
from kozutumi_app.use_cases.drafts import Draft
from kozutumi_app.use_cases.sessions import SignedIn
from kozutumi_app.web import paging
from kozutumi_app.web.pages import auditing, context, frame, limits, refusals, terms_form, views
from kozutumi_app.web.pages.context import Submitting, Viewer
from kozutumi_app.web.pages.rendering import locale_of, services
from kozutumi_app.web.pages.terms_form import Typed
from kozutumi_app.web.paging import After

router = APIRouter(route_class=refusals.PageRoute, include_in_schema=False)


@router.get("/transfers")
def own_transfers(request: Request, viewer: Viewer, after: After = None) -> Response:
    listed = transfer_views.list_own(services(request), viewer.user_id, limit=paging.SHOWN, after=after)
    shown = [views.transfer(view) for view in listed.transfers]
    return frame.show(request, viewer, "transfers.html", transfers=shown, older=listed.next, after=after)


@router.get("/transfers/new")
def compose_page(request: Request, viewer: Viewer) -> Response:
    return _compose(request, viewer, _empty_form(request))


@router.post("/transfers/new")
def compose(request: Request, viewer: Submitting, typed: Typed) -> Response:
    """The same form without its script: the draft's own page takes the files."""
    try:
        created = drafts.create(services(request), viewer.user_id, Draft(**terms_form.chosen(typed)))
    except Refused as error:
        form = _empty_form(request) | terms_form.shown(typed)
        return _compose(request, viewer, form, status=error.status, problem=refusals.sentence(request, error))
    return told(request, viewer, created.id, created.password)


@router.get("/transfers/{transfer_id}")
def transfer_page(request: Request, viewer: Viewer, transfer_id: str) -> Response:
    return show_transfer(request, viewer, transfer_id)


@router.get("/transfers/{transfer_id}/status")
def status(request: Request, viewer: Viewer, transfer_id: str) -> Response:
    return frame.show(request, viewer, "partials/status.html", **_state(request, viewer, transfer_id))


@router.post("/transfers/{transfer_id}/recall")
def recall(request: Request, viewer: Submitting, transfer_id: str) -> Response:
    try:
        transfers.recall(services(request), viewer.user_id, transfer_id)
    except TransferClosed as error:
        return show_transfer(
            request, viewer, transfer_id, status=error.status, problem=refusals.sentence(request, error)
        )
    return context.redirect(f"/transfers/{transfer_id}")


@router.post("/transfers/{transfer_id}/cancel")
def cancel(request: Request, viewer: Submitting, transfer_id: str) -> Response:
    try:
        transfers.cancel(services(request), viewer.user_id, transfer_id)
    except TransferClosed as error:
        return show_transfer(
            request, viewer, transfer_id, status=error.status, problem=refusals.sentence(request, error)
        )
    return context.redirect(f"/transfers/{transfer_id}")


def told(request: Request, viewer: SignedIn, transfer_id: str, password: str | None) -> Response:
    """On to the transfer's page; first a password that was drawn, which is shown this once."""
    if password is None:
        return context.redirect(f"/transfers/{transfer_id}")
    return frame.show(
        request, viewer, "password.html", path=f"/transfers/{transfer_id}", id=transfer_id, drawn=password
    )


def _empty_form(request: Request) -> dict[str, Any]:
    settings = services(request).settings
    return {
        "recipients": "",
        "locale": locale_of(request),
        "subject": "",
        "message": "",
        "expires_in": settings.default_expiry,
        "max_downloads": settings.max_downloads,
        "authentication": settings.recipient_authentication,
        "has_password": False,
        "password": "",
        "hold_for": 0,
        "notify": "First",
    }


def _compose(
    request: Request, viewer: SignedIn, form: dict[str, Any], *, status: int = 200, problem: str | None = None
) -> Response:
    shown = limits.of(services(request), viewer.user_id)
    return frame.show(request, viewer, "compose.html", status=status, limits=shown, form=form, problem=problem)


def show_transfer(
    request: Request, viewer: SignedIn, transfer_id: str, *, status: int = 200, problem: str | None = None
) -> Response:
    return frame.show(
        request,
        viewer,
        "transfer.html",
        status=status,
        path=f"/transfers/{transfer_id}",
        problem=problem,
        limits=limits.of(services(request), viewer.user_id),
        **_state(request, viewer, transfer_id),
    )


def _state(request: Request, viewer: SignedIn, transfer_id: str) -> dict[str, Any]:
    given = services(request)
    view = transfer_views.show(given, viewer.user_id, transfer_id)
    history = transfer_views.history(given, viewer.user_id, transfer_id)
    return {
        "transfer": views.transfer(view),
        "events": [auditing.shown(event) for event in history],
        "approvals": approval_views.of_transfer(given, viewer, transfer_id),
    }
