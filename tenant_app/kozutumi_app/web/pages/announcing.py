"""The platform's announcements in full, for everyone who can reach the organization's address."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from kozutumi_app.web.pages import context, frame, refusals
from kozutumi_app.web.pages.rendering import page

router = APIRouter(route_class=refusals.PageRoute, include_in_schema=False)


@router.get("/announcements")
def announcements_page(request: Request) -> Response:
    viewer = context.viewer_or_none(request)
    if viewer is None:
        return page(request, "announcements.html")
    return frame.show(request, viewer, "announcements.html", banners=())
