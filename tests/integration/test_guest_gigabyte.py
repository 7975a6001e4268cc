"""A guest uploads by the same path as a member, over real TLS to a real bucket and past a real scanner: small here, 1 GiB in the full run."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import httpx
import pytest

import guest_world
import people_world as people
from app_fixtures import RunningApp, running_app
from builders import code, outbox
from kozutumi_app.adapters.scanner import ScannerAgent
from kozutumi_app.web.security import SESSION_COOKIE
from scanner_fixtures import RunningScanner, mutual, running_scanner, wait_until
from storage_fixtures import RunningStorage, running_storage

_PIECE: Final = 2**20
_CUTS: Final = 5


@pytest.fixture(scope="module")
def storage() -> Iterator[RunningStorage]:
    with running_storage() as running:
        yield running


@pytest.fixture(scope="module")
def scanner() -> Iterator[RunningScanner]:
    with running_scanner(scan_timeout=600) as running:
        yield running


@pytest.fixture
def app(storage: RunningStorage, scanner: RunningScanner) -> Iterator[RunningApp]:
    with running_app(storage, ScannerAgent(scanner.url, mutual(scanner.client_folder))) as running:
        yield running


def piece(index: int) -> bytes:
    """Pseudo-random and the same each time, so that nothing of a gigabyte need be held."""
    return hashlib.shake_256(index.to_bytes(8, "big")).digest(_PIECE)


async def content(start: int, end: int) -> AsyncIterator[bytes]:
    while start < end:
        index, within = divmod(start, _PIECE)
        part = piece(index)[within : within + end - start]
        yield part
        start += len(part)


@contextlib.asynccontextmanager
async def guest_of(app: RunningApp, size: int) -> AsyncIterator[guest_world.Guest]:
    """The guest's own browser, proven by the mailed code; the app's threads send the mail."""
    member = people.Browser(app.client())
    member.http.cookies.set(SESSION_COOKIE, app.administrator)
    session = (await member.http.get("/api/v1/session")).json()
    member.csrf, member.user = session["csrf"], session["user"]
    made = await member.post("/requests", guest_world.terms(max_bytes=size))
    assert made.status_code == 201, made.text
    box = outbox(app.services)
    wait_until(lambda: any("/q/" in mail.text for mail in box.mails), lambda: "the guest was not mailed")
    link = box.last_to(guest_world.GUEST).text.partition("/q/")[2].split()[0]
    http = app.client()
    assert (await http.post(f"/api/v1/q/{link}/code")).status_code == 202
    wait_until(lambda: "/q/" not in box.last_to(guest_world.GUEST).text, lambda: "no code was mailed")
    given = code(box.last_to(guest_world.GUEST))
    assert (await http.post(f"/api/v1/q/{link}/verify", json={"code": given})).status_code == 200
    guest = guest_world.Guest(app.services, member, made.json()["id"], link, http)
    await guest.begin()
    try:
        yield guest
    finally:
        await http.aclose()
        await member.http.aclose()


async def cut_after(guest: guest_world.Guest, url: str, start: int, stop: int, size: int) -> None:
    """Announce everything up to the end, and go away at `stop`."""

    async def broken() -> AsyncIterator[bytes]:
        async for part in content(start, stop):
            yield part
        raise ConnectionError

    headers = {"Content-Length": str(size - start), "Upload-Offset": str(start)}
    headers |= {"Content-Type": "application/offset+octet-stream"}
    with pytest.raises((ConnectionError, httpx.HTTPError)):
        await guest.tus("PATCH", url, broken(), **headers)


async def upload(guest: guest_world.Guest, size: int) -> str:
    created = await guest.create("映像.bin", size)
    assert created.status_code == 201, created.text
    url = str(created.headers["Location"])
    cuts = sorted(random.Random(5).sample(range(1, size), _CUTS))  # noqa: S311 - where to cut, no secret
    for cut in cuts:
        await cut_after(guest, url, await offset(guest, url), cut, size)
    start = await offset(guest, url)
    headers = {"Content-Length": str(size - start), "Upload-Offset": str(start)}
    headers |= {"Content-Type": "application/offset+octet-stream"}
    answer = await guest.tus("PATCH", url, content(start, size), **headers)
    assert answer.status_code == 204, answer.text
    return url.rsplit("/", 1)[1]


async def offset(guest: guest_world.Guest, url: str) -> int:
    head = await guest.tus("HEAD", url)
    assert head.status_code == 200
    return int(head.headers["Upload-Offset"])


async def delivered(guest: guest_world.Guest) -> list[Any]:
    """Files of the answer, once each has a verdict: as long as the scanner takes, within the test's own time."""
    while True:
        answers: list[Any] = []
        with contextlib.suppress(httpx.TransportError):  # a connection kept too long is cut, as a browser would see too
            answers = (await guest.shown())["answers"]
        if answers and answers[0]["state"] == "Delivered":
            files: list[Any] = answers[0]["files"]
            return files
        await asyncio.sleep(0.5)


async def arrives_whole(app: RunningApp, size: int) -> None:
    async with guest_of(app, size) as guest:
        file_id = await upload(guest, size)
        assert (await guest.send()).status_code == 200
        (file,) = await delivered(guest)
        assert file["state"] == "Clean"
        opened = await guest.member.post(f"/requests/{guest.request_id}/files/{file_id}/download")
        received, expected = hashlib.sha256(), hashlib.sha256()
        async with guest.member.http.stream("GET", opened.json()["url"]) as answer:
            async for part in answer.aiter_bytes():
                received.update(part)
        async for part in content(0, size):
            expected.update(part)
        assert received.hexdigest() == expected.hexdigest()
        assert file["sha256"] == expected.hexdigest()


async def test_a_guest_uploads_with_five_cuts_and_the_member_gets_every_byte(app: RunningApp) -> None:
    await arrives_whole(app, 20 * 2**20 + 3)


@pytest.mark.slow
@pytest.mark.timeout(3600)
async def test_a_guest_uploads_a_gibibyte_with_five_cuts(app: RunningApp) -> None:
    await arrives_whole(app, 2**30)
    peak, limit = app.services.budget.peak, app.services.settings.segment_memory
    print(f"guest: 1 GiB with {_CUTS} cuts is whole; segments held at most {peak:,} of {limit:,} bytes")
    assert peak <= limit
