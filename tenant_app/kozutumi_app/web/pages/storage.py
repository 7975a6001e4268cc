"""Whether bucket and database agree, for administrators."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from kozutumi_app.domain.reconciliation import Kind, State
from kozutumi_app.use_cases import accounts, reconciliation_report
from kozutumi_app.web import paging
from kozutumi_app.web.pages import context, frame, refusals
from kozutumi_app.web.pages.context import Administrator, Submitting
from kozutumi_app.web.pages.rendering import services
from kozutumi_app.web.pages.words import _
from kozutumi_app.web.paging import After

router = APIRouter(prefix="/storage", route_class=refusals.PageRoute, include_in_schema=False)

KINDS: Final[dict[str, str]] = {
    Kind.OBJECT_WITHOUT_ROW: _("an object that no file names"),
    Kind.KEY_WITHOUT_FILE: _("a key of no file"),
    Kind.ERASED_WITH_OBJECTS: _("a removed file of which something was left"),
    Kind.UNFINISHED_MULTIPART: _("an unfinished upload inside the storage"),
    Kind.FOREIGN_OBJECT: _("an object that is not of this service"),
    Kind.FILE_WITHOUT_KEY: _("a file whose key is missing"),
    Kind.ROW_WITHOUT_OBJECT: _("a part of a file that is missing"),
}
STATES: Final[dict[str, tuple[str, str]]] = {
    State.REPAIRED: (_("Repaired"), "good"),
    State.HELD_BACK: (_("Held back"), "warn"),
    State.OPEN: (_("Not repaired"), "bad"),
    State.GONE: (_("No longer found"), "quiet"),
}


@router.get("")
def storage_page(request: Request, viewer: Administrator, after: After = None) -> Response:
    report = reconciliation_report.report(services(request))
    return frame.show(
        request,
        viewer,
        "storage.html",
        latest=report.latest,
        page=paging.shown(report.findings, after),
        kinds=KINDS,
        states=STATES,
    )


@router.post("")
def compare_now(request: Request, viewer: Submitting) -> Response:
    accounts.require_administrator(viewer)
    reconciliation_report.ask(services(request), viewer.user_id)
    return context.redirect("/storage")
