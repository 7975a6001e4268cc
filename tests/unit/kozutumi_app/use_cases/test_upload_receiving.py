"""The receiving loop with a sender that is slow, silent or cut; time is the event loop's own, moved by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from builders import MemoryBlobs, make_services
from kozutumi_app.adapters.database.schema import segments, transfers, users
from kozutumi_app.crypto.segments import CHUNK_BYTES
from kozutumi_app.domain.files import FileState
from kozutumi_app.domain.memory_budget import MemoryBudget
from kozutumi_app.errors import OffsetMismatch
from kozutumi_app.services import Services
from kozutumi_app.use_cases import upload as uploads
from kozutumi_app.use_cases import upload_creating
from kozutumi_app.use_cases.upload import Upload, Uploader
from kozutumi_app.use_cases.upload_creating import NewFile
from kozutumi_app.use_cases.upload_receiving import CHUNK_COST, SEGMENT_BYTES, Receiver, SourceCutError

CUT = "cut"


class Script:
    """Gives what is listed: bytes, None for a second of silence, CUT for a lost connection; then the end."""

    def __init__(self, steps: Iterable[bytes | str | None], monkeypatch: pytest.MonkeyPatch) -> None:
        self._steps: Iterator[bytes | str | None] = iter(steps)
        self._time = 0.0
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: self._time)

    async def read(self, seconds: float) -> bytes | None:
        step = next(self._steps, b"")
        if step is None:
            self._time += seconds
        if isinstance(step, str):
            raise SourceCutError
        return step


def new_upload(services: Services, size: int) -> Upload:
    with services.database.write() as tx:
        now = services.clock.now()
        user = {"id": "u", "email_sealed": b"", "email_index": b"", "role": "member", "locale": "ja", "created_at": now}
        tx.execute(sa.insert(users).values(user))
        transfer = {"id": "t", "sender_id": "u", "state": "Draft", "subject_sealed": b"", "message_sealed": b""}
        tx.execute(sa.insert(transfers).values(transfer | {"expires_at": now, "created_at": now}))
    return upload_creating.create(services, Uploader("u", "u"), NewFile("t", "file"), size)


async def receive(services: Services, upload: Upload, script: Script) -> tuple[Upload, bool]:
    """What is durable at the end, and whether the sender was cut off."""
    receiver = Receiver(services, upload, uploads.key_of(services, upload.file_id), None)
    try:
        return await receiver.run(script), False
    except SourceCutError:
        return receiver.upload, True


def lengths(services: Services) -> list[int]:
    with services.database.read() as tx:
        return list(tx.execute(sa.select(segments.c.length).order_by(segments.c.position)).scalars())


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return make_services(tmp_path)


async def test_large_body_becomes_full_segments_and_a_short_one(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = 2 * SEGMENT_BYTES + 10
    upload = new_upload(services, size)
    body = [bytes(100_001)] * (size // 100_001) + [bytes(size % 100_001)]
    done, cut = await receive(services, upload, Script(body, monkeypatch))
    assert (done.offset, done.state, cut) == (size, FileState.SCANNING, False)
    assert lengths(services) == [SEGMENT_BYTES, SEGMENT_BYTES, 10]
    assert services.budget.used == 0


async def test_what_arrived_before_a_cut_is_durable(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = new_upload(services, 100)
    done, cut = await receive(services, upload, Script([b"12345", CUT], monkeypatch))
    assert (done.offset, cut, lengths(services), services.budget.used) == (5, True, [5], 0)


async def test_slow_sender_is_stored_short_instead_of_holding_memory(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = new_upload(services, 100)
    script: list[Any] = [b"1", *[None] * 11, b"2", *[None] * 3, b"3"]
    done, _ = await receive(services, upload, Script(script, monkeypatch))
    assert (done.offset, lengths(services)) == (3, [1, 2])


async def test_silent_sender_is_given_up(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = new_upload(services, 100)
    done, cut = await receive(services, upload, Script([b"1", *[None] * 100], monkeypatch))
    assert (done.offset, cut) == (1, True)


async def test_small_budget_makes_short_segments_not_a_deadlock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = make_services(tmp_path, budget=MemoryBudget(2 * CHUNK_COST))
    upload = new_upload(services, 5 * CHUNK_BYTES)
    done, _ = await receive(services, upload, Script([bytes(5 * CHUNK_BYTES)], monkeypatch))
    assert done.state is FileState.SCANNING
    assert lengths(services) == [2 * CHUNK_BYTES, 2 * CHUNK_BYTES, CHUNK_BYTES]
    assert services.budget.used == 0


async def test_segment_whose_commit_lost_the_race_is_deleted(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = new_upload(services, 100)
    await receive(services, upload, Script([b"12345"], monkeypatch))
    with pytest.raises(OffsetMismatch):
        await receive(services, upload, Script([b"abc"], monkeypatch))
    assert isinstance(services.blobs, MemoryBlobs)
    assert len(services.blobs.objects) == 2  # the key and the one committed segment
