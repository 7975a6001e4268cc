"""What holds for every request: the right host, a bounded body, security headers, one log line that shows no secret."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kozutumi_app.adapters.metrics import Metrics
from kozutumi_app.errors import BodyTooLarge, KozutumiError
from kozutumi_app.web.problems import problem, route_of, unexpected

MAXIMUM_BODY_BYTES: Final = 64 * 1024
_BODY_SECONDS: Final = 30.0
_STREAMED: Final = "/files"  # tus bounds its own bodies
_OWN_HEAD: Final = (f"{_STREAMED}/", "/downloads/")

_HEADERS: Final = {
    "Strict-Transport-Security": "max-age=31536000",
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

log = structlog.get_logger()


class MisdirectedError(KozutumiError):
    """RFC 9110 §15.5.20."""

    status = 421
    code = "misdirected"
    title = "This server does not answer for that host."


class SlowBodyError(KozutumiError):
    status = 408
    code = "request_timeout"
    title = "The request took too long to arrive."


class HostCheck:
    """Answers only for the host of `public_url` and the organization's other `hosts`, all on the same port."""

    def __init__(self, app: ASGIApp, *, public_url: str, hosts: Sequence[str] = ()) -> None:
        self.app = app
        public = urlsplit(public_url)
        port = f":{public.port}" if public.port else ""
        self._hosts = {public.netloc.lower(), *(f"{host.lower()}{port}" for host in hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and Headers(scope=scope).get("host", "").lower() not in self._hosts:
            await problem(MisdirectedError())(scope, receive, send)
            return
        await self.app(scope, receive, send)


class HeadAsGet:
    """Answers HEAD like GET without the content (RFC 9110 §9.3.2): mail scanners ask so. No GET consumes anything.

    tus and downloads have a HEAD of their own.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD" or scope["path"].startswith(_OWN_HEAD):
            await self.app(scope, receive, send)
            return

        async def without_content(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        await self.app({**scope, "method": "GET"}, receive, without_content)


class BodyLimit:
    """Reads a body of at most 64 KiB in at most 30 s before anybody parses it; uploads pass by."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD", "OPTIONS"} or _is_streamed(scope["path"]):
            await self.app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                body = await _read(receive)
        except (BodyTooLarge, TimeoutError) as error:
            refusal = error if isinstance(error, BodyTooLarge) else SlowBodyError()
            answer = problem(refusal)
            answer.headers["Connection"] = "close"
            await answer(scope, receive, send)
            return
        if body is not None:
            await self.app(scope, _Replayed(body, receive), send)


class Faults:
    """Answers for a defect inside the other layers, so that also this answer carries their headers and is counted."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:
            if started:
                raise  # the server cuts the connection, and the client sees that something is missing
            await unexpected(Request(scope), error)(scope, receive, send)


class _Replayed:
    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


class SecurityHeaders:
    """Adds what is missing; a download keeps its own, stricter policy."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if not scope["path"].startswith("/static/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)


class AccessLog:
    """Logs and counts by route pattern: a path or query holds tokens and ids that open something."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, port: str) -> None:
        self.app = app
        self._metrics = metrics
        self._port = port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 500
        started = time.monotonic()

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            seconds = time.monotonic() - started
            route = route_of(Request(scope))
            self._metrics.requests.labels(scope["method"], route, str(status)).inc()
            self._metrics.request_seconds.labels(route).observe(seconds)
            method, milliseconds = scope["method"], round(seconds * 1000)
            log.info("http.request", port=self._port, method=method, route=route, status=status, ms=milliseconds)


def _is_streamed(path: str) -> bool:
    return path == _STREAMED or path.startswith(f"{_STREAMED}/")


async def _read(receive: Receive) -> bytes | None:
    """Return the whole body, or None when the client went away; BodyTooLarge past the limit."""
    parts = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts += message.get("body", b"")
        if len(parts) > MAXIMUM_BODY_BYTES:
            raise BodyTooLarge
        if not message.get("more_body", False):
            return bytes(parts)
