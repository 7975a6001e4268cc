"""The audit log, for administrators."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request
from starlette.responses import Response, StreamingResponse

from kozutumi_app.errors import InvalidInput
from kozutumi_app.use_cases import accounts, audit, audit_evidence, audit_exporting, audit_sealing
from kozutumi_app.use_cases.audit import OpenedEvent
from kozutumi_app.use_cases.sessions import SignedIn
from kozutumi_app.web import paging
from kozutumi_app.web.pages import frame, refusals
from kozutumi_app.web.pages.context import Administrator, Submitting
from kozutumi_app.web.pages.rendering import services
from kozutumi_app.web.paging import Before

router = APIRouter(route_class=refusals.PageRoute, include_in_schema=False)


@router.get("/audit")
def audit_page(
    request: Request, viewer: Administrator, type: str = "", object: str = "", before: Before = None
) -> Response:
    return _show(request, viewer, _Filters(type.strip(), object.strip(), before))


@router.post("/audit/evidence")
def take_evidence(
    request: Request,
    viewer: Submitting,
    transfer: Annotated[str, Form(max_length=64)] = "",
    since: Annotated[str, Form(max_length=64)] = "",
    until: Annotated[str, Form(max_length=64)] = "",
    reason: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    accounts.require_administrator(viewer)
    try:
        chosen = audit_exporting.wanted(object=transfer, since=since, until=until)
        parts = audit_evidence.start(services(request), viewer.user_id, chosen, reason)
    except InvalidInput as error:
        return _show(request, viewer, _Filters(), status=error.status, problem=refusals.sentence(request, error))
    headers = {"Content-Disposition": 'attachment; filename="evidence.zip"', "Cache-Control": "no-store"}
    return StreamingResponse(parts, media_type="application/zip", headers=headers)


@dataclass(frozen=True, slots=True)
class _Filters:
    type: str = ""
    object: str = ""
    before: int | None = None


def _show(
    request: Request, viewer: SignedIn, filters: _Filters, *, status: int = 200, problem: str | None = None
) -> Response:
    given = services(request)
    with given.database.read() as tx:
        events = audit.page(
            tx,
            given,
            before=filters.before,
            object_id=filters.object or None,
            type_prefix=filters.type,
            limit=paging.SHOWN + 1,
        )
        sealed = audit_sealing.newest_stored(tx)
    shown_events = events[: paging.SHOWN]
    older = replace(filters, before=shown_events[-1].event.sequence) if len(events) > paging.SHOWN else None
    return frame.show(
        request,
        viewer,
        "audit.html",
        status=status,
        events=[shown(event) for event in shown_events],
        filters=filters,
        newest_url=_url(replace(filters, before=None)) if filters.before else None,
        older_url=_url(older) if older else None,
        sealed=sealed,
        problem=problem,
    )


def _url(filters: _Filters) -> str:
    return "/audit?" + urlencode({key: value for key, value in asdict(filters).items() if value})


def shown(opened: OpenedEvent) -> dict[str, Any]:
    """What a row shows; details that can no longer be opened are empty."""
    event = opened.event
    return {
        "sequence": event.sequence,
        "time": datetime.fromisoformat(event.time),
        "type": event.type,
        "outcome": event.outcome,
        "details": opened.details or {},
        "actor": event.actor_id,
        "object": event.object_id,
    }
