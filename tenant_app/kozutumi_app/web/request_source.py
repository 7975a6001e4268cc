"""A request's body as a source of bytes that can run out of patience or be interrupted."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

from fastapi import Request

from kozutumi_app.use_cases.upload_receiving import SourceCutError


class RequestSource:
    """Reads straight from ASGI: nothing is buffered here beyond the one message in hand."""

    def __init__(self, request: Request, interrupted: asyncio.Event) -> None:
        self._receive = request.receive
        self._interrupted = interrupted
        self._pending: asyncio.Task[MutableMapping[str, Any]] | None = None
        self._more = True

    async def read(self, seconds: float) -> bytes | None:
        """Implement upload_receiving.Source."""
        while self._more:
            message = await self._next(seconds)
            if message is None:
                return None
            if message["type"] == "http.disconnect":
                raise SourceCutError
            self._more = bool(message.get("more_body", False))
            if body := message.get("body", b""):
                return bytes(body)
        return b""

    async def _next(self, seconds: float) -> MutableMapping[str, Any] | None:
        if self._interrupted.is_set():
            self._abandon()
            raise SourceCutError
        task = self._pending = self._pending or asyncio.ensure_future(self._receive())
        interruption = asyncio.ensure_future(self._interrupted.wait())
        try:
            await asyncio.wait({task, interruption}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self._abandon()
            raise
        finally:
            interruption.cancel()
        if not task.done():
            return None
        self._pending = None
        return task.result()

    def _abandon(self) -> None:
        if self._pending is not None:
            self._pending.cancel()
            self._pending = None
