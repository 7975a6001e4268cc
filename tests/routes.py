"""The routes of an application, those of included routers too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi.routing import APIRoute


def flat(routes: Any) -> Iterator[APIRoute]:
    """FastAPI keeps an included router as it is, with the router's own prefix in its routes' paths."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif (included := getattr(route, "original_router", None)) is not None:
            yield from flat(included.routes)
