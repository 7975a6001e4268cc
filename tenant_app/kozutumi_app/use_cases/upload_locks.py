"""One request at a time for each upload; the newest wins, because the older one's sender has usually lost it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from kozutumi_app.errors import UploadLocked

_WAIT_SECONDS: Final = 20.0  # an older request may be storing its last segment


@dataclass(slots=True, eq=False)
class Holder:
    """Who may write. `interrupted` is set when a newer request wants to."""

    interrupted: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)


class UploadLocks:
    """Of one process; between two, `upload.commit` lets one win. Belongs to one event loop."""

    def __init__(self) -> None:
        self._holders: dict[str, Holder] = {}

    @asynccontextmanager
    async def hold(self, file_id: str) -> AsyncIterator[Holder]:
        """Interrupt whoever holds the upload and take its place; UploadLocked when it does not end in time."""
        mine = Holder()
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                while (older := self._holders.get(file_id)) is not None:
                    older.interrupted.set()
                    await older.released.wait()
        except TimeoutError:
            raise UploadLocked(retry_after=5) from None
        self._holders[file_id] = mine
        try:
            yield mine
        finally:
            del self._holders[file_id]
            mine.released.set()

    @property
    def active(self) -> int:
        return len(self._holders)
