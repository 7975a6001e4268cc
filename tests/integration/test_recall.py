"""Recall: what each recipient has is reported, nobody gets another byte, and no copy of the database brings it back."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import sqlite3
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

import people_world as people
import upload_world as world
from app_fixtures import RunningApp, running_app
from builders import MarkerScanner, MemoryBlobs, MovableClock, client, code, link_id, make_services, outbox
from kozutumi_app.adapters.database.schema import download_sessions
from kozutumi_app.crypto import wrapping
from kozutumi_app.errors import ObjectMissing
from kozutumi_app.use_cases.upload_receiving import SEGMENT_BYTES
from kozutumi_app.web.security import SESSION_COOKIE
from scanner_fixtures import wait_until
from storage_fixtures import RunningStorage, running_storage
from upload_world import Sender

SIZE = 6 * SEGMENT_BYTES + 12_345
CONTENT = random.Random(11).randbytes(SIZE)  # noqa: S311 - test content, the same each time
THREE = [f"{name}-{secrets.token_hex(4)}@outside.test" for name in ("whole", "half", "nothing")]


@pytest.fixture(scope="module")
def storage() -> Iterator[RunningStorage]:
    with running_storage() as running:
        yield running


@pytest.fixture
def app(storage: RunningStorage) -> Iterator[RunningApp]:
    with running_app(storage, MarkerScanner(MovableClock(datetime.now(UTC)))) as running:
        yield running


def backed_up(app: RunningApp, folder: Path) -> Path:
    """A copy of the database as it is now."""
    copy = folder / "backup.db"
    with sqlite3.connect(app.services.database.path) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    source.close()
    target.close()
    return copy


def restored(app: RunningApp, copy: Path) -> None:
    """The copy in the place of the database, with the bucket as it is; the app starts on it."""
    app.stop()
    path = app.services.database.path
    app.services.database.close()
    for name in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        name.unlink(missing_ok=True)
    path.write_bytes(copy.read_bytes())
    app.start()


async def mailed(app: RunningApp, address: str, part: str) -> Any:
    def found() -> list[Any]:
        return [mail for mail in outbox(app.services).mails if mail.to == address and part in mail.text]

    await asyncio.to_thread(wait_until, lambda: bool(found()), lambda: f"no mail to {address} with {part}")
    return found()[-1]


async def proven(app: RunningApp, address: str) -> tuple[httpx.AsyncClient, str]:
    http, link = app.client(), link_id(await mailed(app, address, "/r/"))
    assert (await http.post(f"/api/v1/r/{link}/code")).status_code == 202
    mail = await mailed(app, address, "確認コードは次のとおり")
    assert (await http.post(f"/api/v1/r/{link}/verify", json={"code": code(mail)})).status_code == 200
    return http, link


async def sent(app: RunningApp, http: httpx.AsyncClient) -> tuple[Sender, str]:
    http.cookies.set(SESSION_COOKIE, app.administrator)
    session = (await http.get("/api/v1/session")).json()
    browser = people.Browser(http, session["csrf"], session["user"])
    recipients = [{"email": address, "locale": "ja"} for address in THREE]
    sender = Sender(browser, await people.draft(browser, recipients=recipients), browser)
    file_id = await sender.upload(CONTENT)
    await sender.send()
    return sender, file_id


async def until_cut(chunks: AsyncIterator[bytes]) -> tuple[int, bool]:
    """Bytes that still come, and whether the connection ended before all that was announced."""
    got = 0
    try:
        async for chunk in chunks:
            got += len(chunk)
    except httpx.RemoteProtocolError:
        return got, True
    return got, False


async def test_recall_reports_who_has_what_and_ends_a_running_download_within_a_segment(
    app: RunningApp, tmp_path: Path
) -> None:
    async with app.client() as http:
        sender, file_id = await sent(app, http)
        whole, half, nothing = [await proven(app, address) for address in THREE]
        for browser, link in (whole, half):
            assert (await world.open_download(browser, link, file_id)).status_code == 201
        assert (await whole[0].get(f"/downloads/{file_id}")).content == CONTENT
        copy = backed_up(app, tmp_path)
        async with half[0].stream("GET", f"/downloads/{file_id}") as running:
            chunks = running.aiter_bytes()
            got = len(await anext(chunks))
            report = (await sender.browser.post(f"/transfers/{sender.transfer_id}/recall")).json()
            let_out = let_out_so_far(app, file_id)
            rest, was_cut = await until_cut(chunks)
            got += rest
        assert was_cut
        assert 0 < got <= let_out < SIZE
        print(f"recall: {got:,} of {SIZE:,} bytes left before the running download ended, {let_out:,} were let out")
        told = {each["email"]: (each["extent"], each["bytes_sent"]) for each in report["recipients"]}
        assert (told[THREE[0]], told[THREE[2]]) == (("all", SIZE), ("none", 0))
        assert told[THREE[1]][0] == "part"
        assert told[THREE[1]][1] <= let_out
        with pytest.raises(ObjectMissing):
            app.services.blobs.get(wrapping.object_key(file_id))
        for browser, link in (whole, half, nothing):
            assert (await browser.get(f"/api/v1/r/{link}")).status_code == 410
            assert (await world.open_download(browser, link, file_id)).status_code == 410
        assert (await half[0].get(f"/downloads/{file_id}")).status_code == 410
        shown = {each["email"]: each for each in (await sender.shown())["recipients"]}
        assert shown[THREE[1]]["extent"] == "part"
        assert got <= shown[THREE[1]]["bytes_sent"] <= let_out
        kept = [(browser.cookies, link) for browser, link in (whole, half, nothing)]
        for browser, _ in (whole, half, nothing):
            await browser.aclose()
    await asyncio.to_thread(restored, app, copy)
    await require_nothing_opens(app, sender.transfer_id, file_id, kept)


async def require_nothing_opens(
    app: RunningApp, transfer_id: str, file_id: str, kept: list[tuple[httpx.Cookies, str]]
) -> None:
    """Although the copy knows nothing of the recall, and the recipients' proofs are in it."""
    async with app.client() as http:
        http.cookies.set(SESSION_COOKIE, app.administrator)
        assert (await http.get(f"/api/v1/transfers/{transfer_id}")).json()["state"] == "Delivered"
    for cookies, link in kept:
        async with app.client() as browser:
            browser.cookies = cookies
            assert (await world.open_download(browser, link, file_id)).status_code == 201
            assert (await browser.get(f"/downloads/{file_id}")).status_code == 410


def let_out_so_far(app: RunningApp, file_id: str) -> int:
    """Bytes of the segments that the download that is behind was let begin."""
    with app.services.database.read() as tx:
        query = sa.select(sa.func.min(download_sessions.c.bytes_sent)).where(download_sessions.c.file_id == file_id)
        return int(tx.execute(query).scalar_one())


async def test_a_copy_of_the_database_opens_nothing_although_every_segment_is_still_there(tmp_path: Path) -> None:
    services = make_services(tmp_path)
    sender = await world.sender(services)
    file_id = await world.delivered(services, sender, b"content " * 1000)
    http, link = await world.recipient(services)
    services.database.close()
    copy = services.database.path.read_bytes()
    segments = dict(services.blobs.objects) if isinstance(services.blobs, MemoryBlobs) else {}
    report = (await sender.browser.post(f"/transfers/{sender.transfer_id}/recall")).json()
    assert [each["extent"] for each in report["recipients"]] == ["none"]
    services.database.close()
    services.database.path.write_bytes(copy)
    blobs = MemoryBlobs({key: data for key, data in segments.items() if not key.endswith("/key")})
    again = make_services(tmp_path, blobs=blobs, clock=services.clock, random=os.urandom)
    restarted = client(again)
    restarted.cookies.update(http.cookies)
    await world.open_download(restarted, link, file_id)
    assert (await restarted.get(f"/downloads/{file_id}")).status_code == 410
    kept = make_services(tmp_path, blobs=MemoryBlobs(segments), clock=services.clock, random=os.urandom)
    control = client(kept)
    control.cookies.update(http.cookies)
    await world.open_download(control, link, file_id)
    assert (await control.get(f"/downloads/{file_id}")).content == b"content " * 1000  # with the key it would open
