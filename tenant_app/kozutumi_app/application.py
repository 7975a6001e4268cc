"""The only place where routes, middleware and services are put together."""

from __future__ import annotations

from typing import Final, Literal

from fastapi import APIRouter, FastAPI

from kozutumi_app.services import Services
from kozutumi_app.use_cases.health import HealthMonitor
from kozutumi_app.web import (
    api,
    clients,
    download,
    internal,
    internal_announcements,
    internal_bounces,
    metrics,
    openapi,
    pages,
    problems,
    tus,
)
from kozutumi_app.web.gate import Gate
from kozutumi_app.web.middleware import AccessLog, BodyLimit, Faults, HeadAsGet, HostCheck, SecurityHeaders
from kozutumi_app.web.pages import refusals
from kozutumi_app.web.refused_acts import TellingRefusals
from kozutumi_app.web.tus_layer import TusLayer

Port = Literal["public", "internal", "metrics"]

_ROUTERS: Final[dict[Port, tuple[APIRouter, ...]]] = {
    "public": (api.router, tus.router, download.router, pages.router),
    "internal": (internal.router, internal_announcements.router, internal_bounces.router),
    "metrics": (metrics.router,),
}


def openapi_document() -> str:
    """The OpenAPI document of the public port, as `docs/openapi.json` has it."""
    return openapi.serialize(openapi.document(_ROUTERS["public"]))


def create_application(services: Services, which: Port = "public", health: HealthMonitor | None = None) -> FastAPI:
    """Make the application of one port. `health` is shared between the ports of a process."""
    application = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, title="Kozutumi")
    application.state.services = services
    application.state.health = health or HealthMonitor(services)
    for router in _ROUTERS[which]:
        application.include_router(router)
    problems.install(application)
    if which == "public":
        application.add_middleware(Gate, services=services)
        application.add_middleware(TellingRefusals)
    application.add_middleware(Faults)
    application.add_middleware(BodyLimit)
    application.add_middleware(HeadAsGet)
    application.add_middleware(TusLayer)
    if which == "public":
        application.state.refusal_page = refusals.refusal
        settings = services.settings
        application.add_middleware(HostCheck, public_url=settings.public_url, hosts=settings.hosts)
        if settings.trusted_gateways:
            application.add_middleware(clients.ClientCheck, access=clients.access(settings))
    application.add_middleware(SecurityHeaders)
    application.add_middleware(AccessLog, metrics=services.metrics, port=which)
    return application
