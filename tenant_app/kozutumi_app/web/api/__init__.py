"""The JSON API under /api/v1: what the pages' scripts, the demo and the end-to-end tests use."""

from fastapi import APIRouter

from kozutumi_app.web.api import (
    administration,
    announcements,
    answering,
    approving,
    auditing,
    consenting,
    groups,
    policies,
    quarantine,
    receiving,
    requests,
    sending,
    sending_acts,
    signing_in,
    storage,
    tokens,
    uploading,
)

router = APIRouter(prefix="/api/v1")
for part in (
    signing_in,
    administration,
    announcements,
    auditing,
    consenting,
    quarantine,
    storage,
    sending,
    sending_acts,
    receiving,
    uploading,
    tokens,
    requests,
    answering,
    approving,
    policies,
    groups,
):
    router.include_router(part.router)

__all__ = ["router"]
