"""The forms on a transfer's page: change the draft, recipients, reminders, expiry, password."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from kozutumi_app.errors import KozutumiError, NotFound, Refused
from kozutumi_app.use_cases import addressing, drafts, reminding, terms, transfer_views
from kozutumi_app.use_cases.addressing import NewRecipient
from kozutumi_app.use_cases.sessions import SignedIn
from kozutumi_app.web.pages import context, frame, limits, refusals, sending, terms_form
from kozutumi_app.web.pages.context import Submitting, Viewer
from kozutumi_app.web.pages.rendering import services
from kozutumi_app.web.pages.terms_form import Text, Typed

router = APIRouter(prefix="/transfers/{transfer_id}", route_class=refusals.PageRoute, include_in_schema=False)


@router.get("/edit")
def edit_page(request: Request, viewer: Viewer, transfer_id: str) -> Response:
    return _edit(request, viewer, transfer_id, {})


@router.post("/edit")
def edit(request: Request, viewer: Submitting, transfer_id: str, typed: Typed) -> Response:
    try:
        created = drafts.edit(services(request), viewer.user_id, transfer_id, terms_form.chosen(typed))
    except NotFound:
        raise
    except Refused as error:
        return _edit(request, viewer, transfer_id, terms_form.shown(typed), error)
    return sending.told(request, viewer, transfer_id, created.password)


@router.post("/recipients")
def add_recipient(
    request: Request, viewer: Submitting, transfer_id: str, email: Text = "", locale: Text = ""
) -> Response:
    to = NewRecipient(email, locale or None)
    return _done(
        request, viewer, transfer_id, lambda: addressing.add(services(request), viewer.user_id, transfer_id, to)
    )


@router.post("/recipients/{recipient_id}/remove")
def remove_recipient(request: Request, viewer: Submitting, transfer_id: str, recipient_id: str) -> Response:
    return _done(
        request,
        viewer,
        transfer_id,
        lambda: addressing.remove(services(request), viewer.user_id, transfer_id, recipient_id),
    )


@router.post("/recipients/{recipient_id}/resend")
def resend(request: Request, viewer: Submitting, transfer_id: str, recipient_id: str) -> Response:
    return _done(
        request,
        viewer,
        transfer_id,
        lambda: reminding.resend(services(request), viewer.user_id, transfer_id, recipient_id),
    )


@router.post("/remind")
def remind(request: Request, viewer: Submitting, transfer_id: str) -> Response:
    return _done(request, viewer, transfer_id, lambda: reminding.remind(services(request), viewer.user_id, transfer_id))


@router.post("/expiry")
def change_expiry(request: Request, viewer: Submitting, transfer_id: str, expires_in: Text = "") -> Response:
    seconds = terms_form.whole(expires_in) or 0
    return _done(
        request,
        viewer,
        transfer_id,
        lambda: terms.change_expiry(services(request), viewer.user_id, transfer_id, seconds),
    )


@router.post("/password")
def change_password(request: Request, viewer: Submitting, transfer_id: str, password: Text = "") -> Response:
    try:
        drawn = terms.change_password(services(request), viewer.user_id, transfer_id, password or None)
    except NotFound:
        raise
    except Refused as error:
        return _refused(request, viewer, transfer_id, error)
    return sending.told(request, viewer, transfer_id, drawn)


def _done(request: Request, viewer: SignedIn, transfer_id: str, act: Callable[[], Any]) -> Response:
    """Back to the transfer's page, which says why if the act was refused."""
    try:
        act()
    except NotFound:
        raise
    except Refused as error:
        return _refused(request, viewer, transfer_id, error)
    return context.redirect(f"/transfers/{transfer_id}")


def _refused(request: Request, viewer: SignedIn, transfer_id: str, error: KozutumiError) -> Response:
    said = refusals.with_wait(request, error)
    return sending.show_transfer(request, viewer, transfer_id, status=error.status, problem=said)


def _edit(
    request: Request, viewer: SignedIn, transfer_id: str, typed: dict[str, Any], error: KozutumiError | None = None
) -> Response:
    view = transfer_views.show(services(request), viewer.user_id, transfer_id)
    stored = {
        "recipients": ", ".join(receipt.email for receipt in view.recipients if receipt.revoked_at is None),
        "locale": view.recipients[0].locale if view.recipients else viewer.locale,
        "subject": view.subject,
        "message": view.message,
        "expires_in": view.expires_in,
        "max_downloads": view.max_downloads,
        "authentication": view.authentication,
        "has_password": view.has_password,
        "password": "",
        "hold_for": view.hold_for,
        "notify": view.notify,
    }
    return frame.show(
        request,
        viewer,
        "edit.html",
        status=error.status if error else 200,
        path=f"/transfers/{transfer_id}/edit",
        transfer_id=transfer_id,
        limits=limits.of(services(request), viewer.user_id),
        form=stored | typed,
        problem=refusals.sentence(request, error) if error else None,
    )
