"""uvicorn's HTTP/1.1 protocol with bounds on what a slow peer may hold: a request's head, and an answer nobody reads."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAXIMUM_HEAD_BYTES: Final = 32 * 1024
HEAD_SECONDS: Final = 15.0
WRITE_SECONDS: Final = 60.0
_HIGH_WATER: Final = 64 * 1024  # bytes of an answer that wait for a peer; over TLS asyncio would take 512 KiB
_LOW_WATER: Final = 16 * 1024


class BoundedProtocol(HttpToolsProtocol):
    """Closes a connection whose next head is not complete in time or grows too large. Between requests uvicorn's keep-alive holds.

    So it does when the peer takes less than 48 KiB of an answer in a minute: slower than any reader, it only holds memory.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        transport.set_write_buffer_limits(_HIGH_WATER, _LOW_WATER)
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_arrived()
        self._written()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        self._written()
        self._write_timer = self.loop.call_later(WRITE_SECONDS, self.transport.abort)
        super().pause_writing()

    def resume_writing(self) -> None:
        self._written()
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        reading_head = self._head_timer is not None
        super().data_received(data)
        if reading_head and self._head_timer is not None:
            self._head_bytes += len(data)
            if self._head_bytes > MAXIMUM_HEAD_BYTES:
                self.transport.abort()

    def on_message_begin(self) -> None:
        if self._head_timer is None:
            self._expect_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head_arrived()
        super().on_headers_complete()

    def _expect_head(self) -> None:
        self._head_bytes = 0
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _head_arrived(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _written(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _give_up(self, *_: Any) -> None:
        self._head_timer = None
        self.transport.abort()
