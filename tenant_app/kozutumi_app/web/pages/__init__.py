"""The pages people see. Each feature has its routes in a file of its own; `router` holds them all."""

from typing import Final

from fastapi import APIRouter

from kozutumi_app.web.pages import (
    about,
    announcing,
    answering,
    approving,
    assets,
    auditing,
    consenting,
    downloading,
    members,
    policies,
    quarantine,
    receiving,
    refusals,
    requests,
    sending,
    sending_acts,
    signing_in,
    storage,
    tokens,
)

__all__ = ["refusals", "router"]

router: Final = APIRouter()
for part in (
    assets,
    signing_in,
    sending,
    sending_acts,
    members,
    approving,
    policies,
    consenting,
    quarantine,
    storage,
    tokens,
    auditing,
    receiving,
    downloading,
    requests,
    answering,
    announcing,
    about,
):
    router.include_router(part.router)
