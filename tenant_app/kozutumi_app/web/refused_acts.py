"""Refusals of a signed-in member that no use case has told of, in the audit log (architecture.md §6 rule 5).

Use cases that know more record a refusal themselves; then nothing is added here, so that none is told twice.
"""

from __future__ import annotations

from typing import Final

import structlog
from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from kozutumi_app.domain.rate_limits import Limit
from kozutumi_app.errors import (
    ChecksumMismatch,
    InvalidInput,
    KozutumiError,
    NotSignedIn,
    OffsetMismatch,
    RateLimited,
    Refused,
    UploadLocked,
)
from kozutumi_app.use_cases import audit
from kozutumi_app.web import security

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# What a program does again by itself, or a typing mistake: no rule was invoked against anybody.
_NO_REFUSALS: Final = (ChecksumMismatch, InvalidInput, NotSignedIn, OffsetMismatch, RateLimited, UploadLocked)
# For each member: beyond it refusals are counted, not stored, or one member could fill the disk.
_STORED: Final = Limit(burst=60, seconds=60)
_ID_LENGTH: Final = 64

log = structlog.get_logger()


class TellingRefusals:
    """Gives each request a list of its own in which `audit.append` notes that a refusal was recorded."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = audit.REFUSALS.set([])
        try:
            await self.app(scope, receive, send)
        finally:
            audit.REFUSALS.reset(token)


def tell(request: Request, error: KozutumiError) -> None:
    """Record the refusal of an act, in a transaction of its own. Blocks; that it fails changes no answer."""
    told = audit.REFUSALS.get()
    if told is None or told or request.method in _READING:
        return
    if not isinstance(error, Refused) or isinstance(error, _NO_REFUSALS):
        return
    told.append(error.code)  # once, also where a page asks for the sentence again
    services = security.services_of(request)
    try:
        member = security.optional_member(request)
        if member is None:
            return
        services.metrics.refusals.labels(error.code).inc()
        if services.limits.retry_after("refusals", member.user_id, _STORED, services.clock.now()):
            return
        with services.database.write() as tx:
            audit.append(
                tx,
                services,
                type="request.refused",
                actor_id=member.user_id,
                object_id=_subject(request),
                outcome=error.code,
                details={"act": f"{request.method} {_route(request)}", "ip": security.client_address(request)},
            )
    except KozutumiError as failure:
        log.warning("audit.refusal_not_recorded", code=failure.code)


def _subject(request: Request) -> str:
    """The id in the address that says most: of a file before that of its transfer."""
    ids = [str(value) for name, value in request.path_params.items() if name.endswith("id")]
    return ids[-1] if ids and len(ids[-1]) <= _ID_LENGTH else "-"


def _route(request: Request) -> str:
    return str(getattr(request.scope.get("route"), "path", "none"))
