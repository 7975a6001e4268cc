"""Port 9443: the platform's mail system hands over the reports that came back (RFC 3464)."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool

from kozutumi_app.errors import InvalidInput
from kozutumi_app.services import Services
from kozutumi_app.use_cases import bounces
from kozutumi_app.web.security import services_of

router = APIRouter(prefix="/internal/v1/bounces", include_in_schema=False)
App = Annotated[Services, Depends(services_of)]
_MESSAGE: Final = "message/rfc822"


@router.post("")
async def take(request: Request, services: App) -> dict[str, str | None]:
    """`state` is that of the mail which the report names, null when it names none of ours. At most 64 KiB: cut the rest off."""
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != _MESSAGE:
        raise InvalidInput(f"send Content-Type: {_MESSAGE}")
    return {"state": await run_in_threadpool(bounces.take, services, await request.body())}
