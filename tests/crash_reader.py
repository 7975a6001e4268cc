"""A recipient's browser, as the server sees it: it may be slow, go away in the middle, and it keeps what came before a kill."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI

from builders import PUBLIC_URL
from crash_world import World

Pause = Callable[[], Awaitable[None]]


async def _at_once() -> None:
    return


@dataclass
class Answer:
    """What came of one request. `status` 0: the process was killed before it could say anything."""

    hangs_up_after: int | None = None
    pause: Pause = _at_once  # how long the reader takes for the first bytes
    status: int = 0
    content: bytes = b""
    whole: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    _gone: asyncio.Event = field(default_factory=asyncio.Event)
    _asked: bool = False

    @property
    def is_content(self) -> bool:
        return self.status in {200, 206}

    async def receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            await self._take(message.get("body", b""), more=message.get("more_body", False))
        if self.is_content and self.hangs_up_after is not None and len(self.content) >= self.hangs_up_after:
            self._gone.set()
            await asyncio.Event().wait()  # nobody takes more, until the server notices

    async def _take(self, body: bytes, *, more: bool) -> None:
        self.whole = not more
        if body and not self.content:
            self.content += body
            await self.pause()
        else:
            self.content += body


async def ask(world: World, answer: Answer, method: str, path: str, cookies: str, **headers: str) -> Answer:
    """Ask a process that may be killed meanwhile."""
    try:
        await serve(world.application, answer, method, path, {"cookie": cookies} | headers)
    except BaseException:
        if not (answer.status or world.plan.dead):  # else it was cut off
            raise
    return answer


async def serve(application: FastAPI, answer: Answer, method: str, path: str, headers: dict[str, str]) -> None:
    """Ask as through uvicorn."""
    host = urlsplit(PUBLIC_URL).netloc
    every = {"host": host} | headers
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in every.items()],
        "client": ("127.0.0.1", 50_000),
        "server": (host.partition(":")[0], 443),
    }
    await application(scope, answer.receive, answer.send)
