"""Sending an open download: bounded memory, the grant asked again at each segment, and a note of what left."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing, contextmanager
from typing import Final

from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from kozutumi_app.crypto.encoding import CryptoError
from kozutumi_app.domain.zip64 import Content
from kozutumi_app.errors import RateLimited, StorageUnavailable, Unavailable
from kozutumi_app.services import Services
from kozutumi_app.use_cases import download as downloads
from kozutumi_app.use_cases import stored_files
from kozutumi_app.use_cases.download import Download, Entry
from kozutumi_app.use_cases.stored_files import Part, StoredFile

AT_ONCE: Final = 64  # each holds about 1 MiB
AT_ONCE_OF_ONE: Final = 8  # requests of one reader, so that nobody can take every place
_CHECK_SECONDS: Final = 10.0  # a slow reader's segment takes long; the grant is asked in between too
_WAIT_SECONDS: Final = 10
_END: Final = b""


class Places:
    """How many downloads run in this process, in all and of each reader."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()

    @contextmanager
    def taken(self, reader_id: str) -> Iterator[None]:
        """Unavailable when all are taken, RateLimited when this reader has their share."""
        if self._taken.total() >= AT_ONCE:
            raise Unavailable("too many downloads are running", retry_after=_WAIT_SECONDS)
        if self._taken[reader_id] >= AT_ONCE_OF_ONE:
            raise RateLimited("too many downloads at once", retry_after=_WAIT_SECONDS)
        self._taken[reader_id] += 1
        try:
            yield
        finally:
            self._taken[reader_id] -= 1
            if not self._taken[reader_id]:
                del self._taken[reader_id]


async def response(
    application: FastAPI,
    services: Services,
    download: Download,
    span: tuple[int, int],
    status: int,
    headers: Mapping[str, str],
) -> StreamingResponse:
    """The first piece is read before the answer begins, so that a refusal still has a status of its own."""
    if not hasattr(application.state, "downloads"):
        application.state.downloads = Places()
    content = _content(application.state.downloads, services, download, *span)
    first = await anext(content, _END)
    return _Streamed(first, content, status, headers)


class _Streamed(StreamingResponse):
    """Ends its content when the reader goes away. Starlette leaves that to the garbage collector, which may take long."""

    def __init__(
        self, first: bytes, rest: AsyncGenerator[bytes, None], status: int, headers: Mapping[str, str]
    ) -> None:
        super().__init__(_rejoined(first, rest), status_code=status, headers=headers)
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._rest):
            await super().__call__(scope, receive, send)


async def _rejoined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk


async def _content(
    places: Places, services: Services, download: Download, start: int, end: int
) -> AsyncGenerator[bytes, None]:
    with places.taken(download.reader.id), services.metrics.active_downloads.track_inprogress():
        await asyncio.to_thread(downloads.begin, services, download, start, end)
        for piece in download.contents(start, end):
            if isinstance(piece, bytes):
                yield piece
                continue
            async with aclosing(_file(services, download, piece)) as chunks:
                async for chunk in chunks:
                    yield chunk
        for entry in download.empty_within(start, end):
            await asyncio.to_thread(downloads.admit, services, download, entry, 0)
            await asyncio.to_thread(downloads.settle, services, download, entry, 0, 0, 0)


async def _file(services: Services, download: Download, piece: Content) -> AsyncGenerator[bytes, None]:
    entry = download.entries[piece.index]
    stored = await asyncio.to_thread(downloads.open_stored, services, entry)
    for position, part in downloads.parts(stored, piece.start, piece.end):
        await asyncio.to_thread(downloads.admit, services, download, entry, part.end - part.start)
        async with aclosing(_part(services, download, entry, stored, position, part)) as chunks:
            async for chunk in chunks:
                yield chunk


async def _part(
    services: Services, download: Download, entry: Entry, stored: StoredFile, position: int, part: Part
) -> AsyncGenerator[bytes, None]:
    """Chunks of one segment. `left` counts those that the server took; one it was given when it broke off may have left."""
    chunks = stored_files.read(services, stored, part)
    left = handed = 0
    now = asyncio.get_running_loop().time
    checked = now()
    try:
        while chunk := await asyncio.to_thread(_next, chunks):
            if now() - checked > _CHECK_SECONDS:
                await asyncio.to_thread(downloads.check, services, download, entry)
                checked = now()
            handed += len(chunk)
            yield chunk
            left += len(chunk)  # the server asked for more, so this one is on its way
    finally:
        unused = part.end - part.start - handed
        if left or unused:
            await asyncio.shield(asyncio.to_thread(downloads.settle, services, download, entry, position, left, unused))


def _next(chunks: Iterator[bytes]) -> bytes:
    try:
        return next(chunks, _END)
    except CryptoError as error:
        raise StorageUnavailable("the stored file is damaged") from error
