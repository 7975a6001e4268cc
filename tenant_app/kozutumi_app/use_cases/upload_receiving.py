"""Bringing bytes into an upload: encrypt as they come, store segment by segment, acknowledge what is durable."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final, Protocol

import structlog

from kozutumi_app.crypto import segments
from kozutumi_app.crypto.segments import CHUNK_BYTES, SALT_BYTES, SEALED_CHUNK_BYTES, Segment
from kozutumi_app.domain.checksums import Checksum
from kozutumi_app.domain.identifiers import new_id
from kozutumi_app.domain.memory_budget import Pace
from kozutumi_app.errors import ChecksumMismatch, KeysOutOfDate, Refused, StorageUnavailable, UploadTooLarge
from kozutumi_app.services import Services
from kozutumi_app.use_cases import upload_committing
from kozutumi_app.use_cases.upload import Upload
from kozutumi_contract.secret import Secret

CHUNK_COST: Final = 2 * SEALED_CHUNK_BYTES  # a chunk is held sealed, and once more while its segment is being sent
SEGMENT_BYTES: Final = 4 * 2**20  # half of what the format allows: more senders fit into the budget
TICK_SECONDS: Final = 1.0
_PATIENCE_SECONDS: Final = 10.0  # a slow sender's segment is stored short after this
_PRESSED_SECONDS: Final = 1.0  # … or after this, when others wait for memory
_SILENT_TICKS: Final = 60
_BRISK: Final = 100_000  # bytes a second; who sends less shares half of the memory with all others who do
_HEAD_START_SECONDS: Final = 0.05

log = structlog.get_logger()


class SourceCutError(Exception):
    """The sender is gone, silent, or a newer request took its place."""


class Source(Protocol):
    async def read(self, seconds: float) -> bytes | None:
        """Next bytes, b"" at the end, None when nothing came within `seconds`. Raises SourceCutError."""
        ...


class Receiver:
    """One request's bytes. With a checksum all of them count or none (tus, extension checksum)."""

    def __init__(self, services: Services, upload: Upload, key: Secret[bytes], checksum: Checksum | None) -> None:
        self._services = services
        self._key = key
        self._checksum = checksum
        self._open: _OpenSegment | None = None
        self._unverified: list[Segment] = []
        self._received = 0
        self._waited = _HEAD_START_SECONDS  # for the sender alone: what the store or the budget takes is not its doing
        self.upload = upload

    @property
    def pace(self) -> Pace:
        return Pace.BRISK if self._received >= self._waited * _BRISK else Pace.SLOW

    async def run(self, source: Source) -> Upload:
        """Return the upload as it is durable. Raises SourceCutError after storing what had arrived."""
        try:
            await self._read_all(source)
            await self._store_open()
            await self._verify()
        except SourceCutError:
            if self._checksum is None:
                await self._store_open()
            raise
        finally:
            self._drop_open()
            await self._discard_unverified()
        return self.upload

    async def _read_all(self, source: Source) -> None:
        silent = 0
        while True:
            since = asyncio.get_running_loop().time()
            data = await source.read(TICK_SECONDS)
            self._waited += asyncio.get_running_loop().time() - since
            if data == b"":
                return
            silent = silent + 1 if data is None else 0
            if silent >= _SILENT_TICKS:
                raise SourceCutError
            if data is not None:
                await self._take(data)
            await self._store_when_slow()

    async def _take(self, data: bytes) -> None:
        self._received += len(data)
        if self.upload.offset + self._unverified_bytes() + self._held() + len(data) > self.upload.size:
            raise UploadTooLarge("more bytes than the upload was created for")
        if self._checksum is not None:
            self._checksum.update(data)
        view = memoryview(data)
        while view:
            segment = await self._room()
            taken = view[: segment.free]
            segment.write(taken)
            view = view[len(taken) :]

    async def _room(self) -> _OpenSegment:
        """Return an open segment with paid space in it, storing first what memory has no room beside."""
        budget = self._services.budget
        if self._open is not None and self._open.free:
            return self._open
        if (
            self._open is not None
            and self._open.length < SEGMENT_BYTES
            and budget.try_acquire(CHUNK_COST, self._open.pace)
        ):
            self._open.paid += CHUNK_COST
            return self._open
        await self._store_open()
        pace = self.pace
        await budget.acquire(CHUNK_COST, pace)
        self._open = _OpenSegment(self._services, self.upload.file_id, self._key, pace)
        return self._open

    async def _store_when_slow(self) -> None:
        if self._open is None:
            return
        age = asyncio.get_running_loop().time() - self._open.since
        pressed = self._services.budget.is_pressed(self._open.pace)
        if age >= (_PRESSED_SECONDS if pressed else _PATIENCE_SECONDS):
            await self._store_open()

    async def _store_open(self) -> None:
        if self._open is None:
            return
        try:
            if self._open.length:
                await asyncio.to_thread(self._store, self._open)
        finally:
            self._drop_open()

    def _store(self, opened: _OpenSegment) -> None:
        """Put the segment and, unless a checksum is still to be met, commit it."""
        segment = opened.finished
        object_key = segments.object_key(self.upload.file_id, segment.id)
        self._services.blobs.put(object_key, opened.writer.finish())
        if self._checksum is not None:
            self._unverified.append(segment)
            return
        self._commit([segment])

    def _commit(self, added: list[Segment]) -> None:
        """Only a refusal says that nothing names the objects. After any other error they may count, and stay."""
        try:
            self.upload = upload_committing.commit(self._services, self.upload, self._key, added)
        except (Refused, KeysOutOfDate):
            self._forget(added)
            raise

    async def _verify(self) -> None:
        if self._checksum is None:
            return
        if not self._checksum.matches():
            raise ChecksumMismatch
        verified, self._unverified = self._unverified, []
        if verified:
            await asyncio.to_thread(self._commit, verified)

    async def _discard_unverified(self) -> None:
        if self._unverified:
            discarded, self._unverified = self._unverified, []
            await asyncio.to_thread(self._forget, discarded)

    def _forget(self, unused: list[Segment]) -> None:
        """Delete objects that no row names. One that stays the reconciler finds."""
        for segment in unused:
            with contextlib.suppress(StorageUnavailable):
                self._services.blobs.delete(segments.object_key(self.upload.file_id, segment.id))

    def _drop_open(self) -> None:
        if self._open is not None:
            self._services.budget.release(self._open.paid, self._open.pace)
            self._open = None

    def _held(self) -> int:
        return self._open.length if self._open else 0

    def _unverified_bytes(self) -> int:
        return sum(segment.length for segment in self._unverified)


class _OpenSegment:
    """A segment being filled, and what the budget was charged for it."""

    def __init__(self, services: Services, file_id: str, key: Secret[bytes], pace: Pace) -> None:
        self._id = new_id(services.random)
        self._salt = services.random(SALT_BYTES)
        tenant = services.settings.service_code
        self.writer = segments.Writer(segments.Cipher(key, tenant, file_id, self._id, self._salt))
        self.paid = CHUNK_COST
        self.pace = pace
        self.since = asyncio.get_running_loop().time()

    @property
    def length(self) -> int:
        return self.writer.length

    @property
    def free(self) -> int:
        return min(self.paid // CHUNK_COST * CHUNK_BYTES, SEGMENT_BYTES) - self.length

    @property
    def finished(self) -> Segment:
        return Segment(self._id, self._salt, self.length)

    def write(self, data: memoryview) -> None:
        self.writer.write(data)
