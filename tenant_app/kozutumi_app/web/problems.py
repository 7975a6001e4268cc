"""Errors as problem+json (RFC 9457): the one place where the API turns them into answers."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from kozutumi_app.errors import InvalidInput, KozutumiError, NotFound
from kozutumi_app.web import i18n, refused_acts

log = structlog.get_logger()
_API_PREFIXES = ("/api/", "/files", "/internal", "/downloads/", "/metrics")


def problem(error: KozutumiError, request: Request | None = None) -> Response:
    """`code` and `title` are for programs and stay English; `detail` is for people, in their language."""
    sentence = error.detail or error.title
    if request is not None:
        sentence = i18n.translate(_locale(request), sentence)
    body = {
        "type": "about:blank",
        "title": error.title,
        "status": error.status,
        "code": error.code,
        "detail": sentence,
    }
    headers = {"Cache-Control": "no-store"}
    if error.retry_after is not None:
        body["retry_after"] = error.retry_after
        headers["Retry-After"] = str(error.retry_after)
    return JSONResponse(body, status_code=error.status, headers=headers, media_type="application/problem+json")


def install(application: FastAPI) -> None:
    application.add_exception_handler(KozutumiError, _known)
    application.add_exception_handler(RequestValidationError, _invalid)
    application.add_exception_handler(HTTPException, _http)


def _locale(request: Request) -> str:
    return i18n.negotiate(
        query=request.query_params.get("lang"),
        cookie=request.cookies.get("lang"),
        accept_language=request.headers.get("Accept-Language"),
    )


def answer(request: Request, error: KozutumiError) -> Response:
    wants_page = "text/html" in request.headers.get("Accept", "") and not request.url.path.startswith(_API_PREFIXES)
    refusal: Any = getattr(request.app.state, "refusal_page", None)
    if wants_page and refusal is not None:
        page: Response = refusal(request, error)
        return page
    return problem(error, request)


async def _known(request: Request, error: Exception) -> Response:
    if not isinstance(error, KozutumiError):
        raise TypeError from error
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("http.fault", code=error.code)
    await run_in_threadpool(refused_acts.tell, request, error)
    return answer(request, error)


async def _invalid(request: Request, error: Exception) -> Response:
    """Say which fields are wrong, never what they held."""
    fields = error.errors() if isinstance(error, RequestValidationError) else []
    names = sorted({str(field["loc"][-1]) for field in fields if field.get("loc")})
    return answer(request, InvalidInput(f"Check: {', '.join(names)}." if names else None))


class _OtherStatus(KozutumiError):  # noqa: N818 - see errors.py
    """What Starlette itself refuses, such as a method that a path does not have."""

    def __init__(self, status: int) -> None:
        phrase = HTTPStatus(status).phrase
        super().__init__(phrase)
        self.status = status  # type: ignore[misc]  # a class variable elsewhere; here Starlette decides
        self.code = phrase.lower().replace(" ", "_")  # type: ignore[misc]
        self.title = phrase  # type: ignore[misc]


# FastAPI says 400 to a body that is no text at all, and 422 to one that is no JSON: for the client it is one thing.
_STARLETTES: Final[dict[int, Callable[[], KozutumiError]]] = {400: InvalidInput, NotFound.status: NotFound}


async def _http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = getattr(error, "headers", None) or {}
    answered = answer(request, _STARLETTES.get(status, lambda: _OtherStatus(status))())
    answered.headers.update(headers)
    return answered


def unexpected(request: Request, error: Exception) -> Response:
    """Only the type is logged: a message may hold a name or an address."""
    log.error("http.unexpected", error=type(error).__name__, route=route_of(request))
    return answer(request, KozutumiError())


def route_of(request: Request) -> str:
    """The route's pattern, which holds no id that opens something."""
    return getattr(request.scope.get("route"), "path", "none")
