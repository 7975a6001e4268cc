"""A file just below what can be scanned goes up and comes down byte for byte, in bounded memory."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime

import pytest

import people_world as people
import upload_world as world
from app_fixtures import RunningApp, running_app
from builders import run_jobs
from kozutumi_app.adapters.scanner import ScannerAgent
from kozutumi_app.domain.ports import ScannerStatus, Verdict
from kozutumi_app.web.security import SESSION_COOKIE
from scanner_fixtures import mutual, running_scanner
from storage_fixtures import running_storage
from upload_world import Sender

MIB = 2**20
PIECE = 64 * MIB


class ReadingScanner:
    """Reads everything and finds nothing."""

    def scan(self, chunks: Iterable[bytes]) -> Verdict:
        for _ in chunks:
            pass
        return Verdict("clean", None, None, "1", datetime.now(UTC))

    def status(self) -> ScannerStatus:
        return ScannerStatus(ok=True, message="", signature_version="1", signature_age_seconds=0, self_test=True)


@pytest.fixture
def app() -> Iterator[RunningApp]:
    with running_storage() as storage, running_app(storage, ReadingScanner(), jobs=False) as running:
        yield running


@pytest.fixture
def scanned_app() -> Iterator[RunningApp]:
    """Past clamd itself, which is what takes the time."""
    with running_storage() as storage, running_scanner(scan_timeout=1800) as scanner:
        agent = ScannerAgent(scanner.url, mutual(scanner.client_folder))
        with running_app(storage, agent, jobs=False) as running:
            yield running


async def content(size: int, digest: hashlib._Hash) -> AsyncIterator[bytes]:
    """Hexadecimal digits: in bytes of every value clamd finds beginnings of archives by chance (see scanning.md)."""
    source = random.Random(size)  # noqa: S311 - test content
    for start in range(0, size, MIB):
        block = source.randbytes(MIB // 2).hex().encode()[: size - start]
        digest.update(block)
        yield block


async def round_trip(app: RunningApp, size: int) -> None:
    sent, received = hashlib.sha256(), hashlib.sha256()
    started = time.monotonic()
    async with app.client() as http:
        http.cookies.set(SESSION_COOKIE, app.administrator)
        session = (await http.get("/api/v1/session")).json()
        browser = people.Browser(http, session["csrf"], session["user"])
        sender = Sender(browser, await people.draft(browser), browser)
        url = await sender.created(size)
        answer = await sender.append(url, 0, content(size, sent))
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(size)), answer.text
        await sender.send()
        run_jobs(app.services)
        shown = await sender.shown()
    assert (shown["state"], shown["files"][0]["sha256"]) == ("Delivered", sent.hexdigest())
    recipient, link = await world.recipient(app.services)
    opened = await world.open_download(recipient, link, world.file_id(url))
    for start in range(0, size, PIECE):
        headers = {"Range": f"bytes={start}-{min(start + PIECE, size) - 1}"}
        received.update((await recipient.get(opened.json()["url"], headers=headers)).content)
    assert received.digest() == sent.digest()
    assert app.services.budget.peak <= app.services.settings.segment_memory
    print(f"{size / MIB:.0f} MiB up, scanned and down in {time.monotonic() - started:.0f} s")


async def test_file_of_seventeen_mebibytes_round_trips(app: RunningApp) -> None:
    await round_trip(app, 17 * MIB + 1)


@pytest.mark.slow
@pytest.mark.timeout(3600)
async def test_file_of_1_9_gibibytes_round_trips(scanned_app: RunningApp) -> None:
    await round_trip(scanned_app, int(1.9 * 2**30))
