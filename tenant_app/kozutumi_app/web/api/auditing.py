from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse, StreamingResponse
from pydantic import Field

from kozutumi_app.domain.tokens import Scope
from kozutumi_app.errors import NotFound
from kozutumi_app.use_cases import audit, audit_evidence, audit_exporting, audit_sealing, audit_signing
from kozutumi_app.web.api.callers import ActingAdministrator, Administrator, App, Body
from kozutumi_app.web.api.documented import Raw, Shown, answers
from kozutumi_app.web.api.shapes import Events, events_shown
from kozutumi_app.web.paging import Before, EventLimit

router = APIRouter(prefix="/audit")
_EXPORT: Final = Raw(
    "application/jsonl", "The log, oldest first, one event a line; or CSV. See docs/security/audit.md."
)
_CSV: Final = {"200": {"content": {"text/csv": {"schema": {"type": "string"}}}}}
_SEALS: Final = Raw("application/jsonl", "The sealed heads, oldest first, one a line.")
_KEY: Final = Raw("application/x-pem-file", "The public key, in PEM.")
_EVIDENCE: Final = Raw("application/zip", "The bundle of evidence.")
_TYPES: Final = {"jsonl": "application/jsonl", "csv": "text/csv; charset=utf-8"}
_Text = Annotated[str, Query(max_length=64)]


class Verification(Shown):
    """`first_broken`: sequence number at which the stored chain first breaks. `sealed`: the newest head in the archive."""

    intact: bool
    events: int
    first_broken: int | None
    sealed: int | None


class Evidence(Body):
    """Of a transfer (its id), or of a period (RFC 3339 times). `reason` is kept in the log and in the bundle."""

    transfer: str = Field(default="", max_length=64)
    since: str = Field(default="", max_length=64)
    until: str = Field(default="", max_length=64)
    reason: str = Field(max_length=2000)


@router.get("", **answers(scope=Scope.AUDIT_READ))
def show_audit(
    user: Administrator,
    services: App,
    before: Before = None,
    type: _Text = "",
    object: _Text = "",
    limit: EventLimit = 100,
) -> Events:
    """Newest first; `next` is the `before` of the following page."""
    del user
    with services.database.read() as tx:
        found = audit.page(tx, services, before=before, object_id=object or None, type_prefix=type, limit=limit)
    return events_shown(found, limit)


@router.get("/export", **answers(scope=Scope.AUDIT_READ, raw=_EXPORT, responses=_CSV))
def export_audit(
    user: Administrator,
    services: App,
    format: Literal["jsonl", "csv"] = "jsonl",
    type: _Text = "",
    object: _Text = "",
    since: _Text = "",
    until: _Text = "",
) -> StreamingResponse:
    """The whole log or a part of it; that it was exported is its last event."""
    chosen = audit_exporting.wanted(type=type, object=object, since=since, until=until)
    lines = audit_exporting.start(services, user.user_id, chosen, format)
    return StreamingResponse(lines, media_type=_TYPES[format], headers=attachment(f"audit.{format}"))


@router.get("/verification", **answers(scope=Scope.AUDIT_READ))
def verify_audit(user: Administrator, services: App) -> Verification:
    del user
    with services.database.read() as tx:
        broken = audit.verify(tx)
        events, _ = audit.head(tx)
        sealed = audit_sealing.newest_stored(tx)
    return Verification(intact=broken is None, events=events, first_broken=broken, sealed=sealed)


@router.get("/seals", **answers(scope=Scope.AUDIT_READ, raw=_SEALS))
def show_seals(
    user: Administrator,
    services: App,
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
    limit: Annotated[int | None, Query(ge=1, le=10_000)] = None,
) -> StreamingResponse:
    """All of them; or at most `limit`, and those after head `after` (its `document.number`), to fetch only what is new."""
    del user
    lines = audit_sealing.documents(services, after=after, limit=limit)
    return StreamingResponse(lines, media_type="application/jsonl", headers=attachment("audit-seals.jsonl"))


@router.get("/key", **answers(NotFound, raw=_KEY))
def show_key(services: App) -> PlainTextResponse:
    """The key that seals, exports and evidence are signed by. Public; NotFound before anything was signed."""
    with services.database.read() as tx:
        key = audit_signing.public_key(tx)
    if key is None:
        raise NotFound
    return PlainTextResponse(key, media_type="application/x-pem-file", headers=attachment("audit-key.pem"))


@router.post("/evidence", **answers(scope=Scope.AUDIT_READ, raw=_EVIDENCE))
def take_evidence(body: Evidence, user: ActingAdministrator, services: App) -> StreamingResponse:
    chosen = audit_exporting.wanted(object=body.transfer, since=body.since, until=body.until)
    parts = audit_evidence.start(services, user.user_id, chosen, body.reason)
    return StreamingResponse(parts, media_type="application/zip", headers=attachment("evidence.zip"))


def attachment(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
