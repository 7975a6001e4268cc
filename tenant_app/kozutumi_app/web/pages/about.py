"""What the service does for everyone's files, and what it leaves to them."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from kozutumi_app.web.pages import context, frame, limits, refusals
from kozutumi_app.web.pages.rendering import page, services

router = APIRouter(route_class=refusals.PageRoute, include_in_schema=False)


@router.get("/about")
def about_page(request: Request) -> Response:
    shown = limits.of(services(request))
    viewer = context.viewer_or_none(request)
    if viewer is None:
        return page(request, "about.html", limits=shown)
    return frame.show(request, viewer, "about.html", limits=shown, banners=())
