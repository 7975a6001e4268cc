"""What a route declares for those who stand before it: the scope that a token needs, and a field that is shown once."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request

from kozutumi_app.domain.tokens import Scope

SCOPE: Final = "x-kozutumi-scope"  # keys of a route's `openapi_extra`
SECRET: Final = "x-kozutumi-secret"  # noqa: S105 - a key's name


def scope_of(request: Request) -> Scope | None:
    """None for a route that declares none: there a token does not reach."""
    scope: Scope | None = _declared(request).get(SCOPE)
    return scope


def secret_of(request: Request) -> str | None:
    """The field of the answer that is not kept."""
    field: str | None = _declared(request).get(SECRET)
    return field


def _declared(request: Request) -> dict[str, Any]:
    return getattr(request.scope.get("route"), "openapi_extra", None) or {}
