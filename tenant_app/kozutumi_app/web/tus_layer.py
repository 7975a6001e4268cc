"""What tus asks of every request and answer below /files, before a route is chosen."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kozutumi_app.web.tus_headers import VERSION

_PATH: Final = "/files"
_METHODS: Final = frozenset({"POST", "HEAD", "PATCH", "DELETE", "OPTIONS"})


class TusLayer:
    """X-HTTP-Method-Override takes the method's place; Tus-Resumable is on every answer, those of no route included."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not (scope["path"] == _PATH or scope["path"].startswith(f"{_PATH}/")):
            await self.app(scope, receive, send)
            return
        override = Headers(scope=scope).get("X-HTTP-Method-Override")
        if override in _METHODS:
            scope["method"] = override

        async def with_version(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Tus-Resumable", VERSION)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, receive, with_version)
