"""From a complete upload to what a recipient may read: only a fresh positive verdict opens anything."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

import people_world as people
import upload_world as world
from builders import ADMINISTRATOR, PASSWORD, MarkerScanner, MemoryBlobs, clock_of, outbox, run_jobs
from kozutumi_app.adapters.database.schema import files, segments, transfers
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit, delivering, sessions
from upload_world import Sender

CONTENT = bytes(range(256)) * 1200  # 307 200 bytes, five chunks


@pytest.fixture
async def pair(tmp_path: Path) -> tuple[Services, Sender]:
    return await world.world(tmp_path)


Pair = tuple[Services, Sender]


def scanner_of(services: Services) -> MarkerScanner:
    assert isinstance(services.scanner, MarkerScanner)
    return services.scanner


def blobs_of(services: Services) -> MemoryBlobs:
    assert isinstance(services.blobs, MemoryBlobs)
    return services.blobs


def event_types(services: Services) -> list[str]:
    with services.database.read() as tx:
        assert audit.verify(tx) is None
        return [opened.event.type for opened in audit.page(tx, services, limit=500)]


async def state(sender: Sender) -> str:
    return str((await sender.shown())["files"][0]["state"])


async def opened(services: Services, file_id: str) -> tuple[httpx.AsyncClient, str]:
    """A recipient's browser in which a download is open, and its URL."""
    http, link = await world.recipient(services)
    answer = await world.open_download(http, link, file_id)
    assert answer.status_code == 201, answer.text
    return http, answer.json()["url"]


async def test_file_arrives_as_it_was_sent(pair: Pair) -> None:
    services, sender = pair
    url = await sender.created(len(CONTENT))
    for start in range(0, len(CONTENT), 100_000):  # four requests make four segments
        await sender.append(url, start, CONTENT[start : start + 100_000])
    await sender.send()
    run_jobs(services)
    http, path = await opened(services, world.file_id(url))
    answer = await http.get(path)
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["Content-Length"] == str(len(CONTENT))
    assert answer.headers["Content-Disposition"].startswith("attachment; ")
    assert "filename*=UTF-8''%E8%A6%8B" in answer.headers["Content-Disposition"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    types = event_types(services)
    for expected in ("file.upload_created", "file.uploaded", "file.verdict", "download.opened", "download.completed"):
        assert expected in types


RANGES: list[tuple[dict[str, str], int, slice]] = [
    ({"Range": "bytes=0-9"}, 206, slice(0, 10)),
    ({"Range": "bytes=65530-65545"}, 206, slice(65530, 65546)),
    ({"Range": "bytes=99999-100000"}, 206, slice(99999, 100001)),
    ({"Range": "bytes=307199-"}, 206, slice(307199, None)),
    ({"Range": "bytes=-5"}, 206, slice(-5, None)),
    ({"Range": "bytes=5-999999999"}, 206, slice(5, None)),
    ({"Range": "bytes=5-4"}, 200, slice(None)),
    ({"Range": "bytes=0-1,5-6"}, 200, slice(None)),
    ({"Range": "lines=1-2"}, 200, slice(None)),
    ({"Range": "bytes=0-9", "If-Range": '"other"'}, 200, slice(None)),
]


@pytest.mark.parametrize(("headers", "status", "part"), RANGES)
async def test_range_gives_exactly_that(pair: Pair, headers: dict[str, str], status: int, part: slice) -> None:
    services, sender = pair
    http, path = await opened(services, await world.delivered(services, sender, CONTENT))
    answer = await http.get(path, headers=headers)
    assert (answer.status_code, answer.content) == (status, CONTENT[part])
    if status == 206:
        start, end, _ = part.indices(len(CONTENT))
        assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(CONTENT)}"


async def test_range_with_the_right_etag_and_one_outside(pair: Pair) -> None:
    services, sender = pair
    http, path = await opened(services, await world.delivered(services, sender, CONTENT))
    etag = (await http.head(path)).headers["ETag"]
    answer = await http.get(path, headers={"Range": "bytes=1-2", "If-Range": etag})
    assert (answer.status_code, answer.content) == (206, CONTENT[1:3])
    outside = await http.get(path, headers={"Range": f"bytes={len(CONTENT)}-"})
    assert (outside.status_code, outside.headers["Content-Range"]) == (416, f"bytes */{len(CONTENT)}")


async def test_get_and_head_consume_nothing_and_ranges_complete_by_their_union(pair: Pair) -> None:
    services, sender = pair
    uploaded = await world.delivered(services, sender, CONTENT)
    http, path = await opened(services, uploaded)
    await http.head(path)
    await http.get(path, headers={"Range": "bytes=200000-"})
    assert "download.completed" not in event_types(services)
    await http.get(path, headers={"Range": "bytes=0-199999"})
    assert event_types(services).count("download.completed") == 1
    assert event_types(services).count("download.opened") == 1


async def test_limit_of_one_has_one_winner(tmp_path: Path) -> None:
    services, _ = await world.world(tmp_path)
    sender = await one_download_only(services)
    uploaded = await world.delivered(services, sender, CONTENT)
    http, link = await world.recipient(services)
    answers = await asyncio.gather(*(world.open_download(http, link, uploaded) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert event_types(services).count("download.refused") == 3


async def one_download_only(services: Services) -> Sender:
    administrator = await people.signed_in(services, administrator_cookie(services))
    browser = await people.member(services, administrator, "other@acme.test")
    return Sender(browser, await people.draft(browser, max_downloads=1), administrator)


def administrator_cookie(services: Services) -> str:
    return sessions.sign_in(services, email=ADMINISTRATOR, password=PASSWORD, client="test")


async def test_download_from_which_nothing_came_is_given_back(tmp_path: Path) -> None:
    services, _ = await world.world(tmp_path)
    sender = await one_download_only(services)
    uploaded = await world.delivered(services, sender, CONTENT)
    http, link = await world.recipient(services)
    await world.open_download(http, link, uploaded)
    clock_of(services).advance(hours=13)
    http, link = await world.recipient(services)
    answer = await world.open_download(http, link, uploaded)
    assert answer.status_code == 201
    await http.get(answer.json()["url"])
    clock_of(services).advance(hours=13)
    http, link = await world.recipient(services)
    assert (await world.open_download(http, link, uploaded)).json()["code"] == "downloads_exhausted"


async def test_session_sends_no_more_than_its_cap(pair: Pair) -> None:
    services, sender = pair
    http, path = await opened(services, await world.delivered(services, sender, CONTENT))
    statuses = [(await http.get(path)).status_code for _ in range(7)]
    assert statuses[:6] == [200] * 6  # three copies and one mebibyte
    assert statuses[6] == 429


async def test_url_without_the_browser_that_opened_it_is_worthless(pair: Pair) -> None:
    services, sender = pair
    http, path = await opened(services, await world.delivered(services, sender, CONTENT))
    http.cookies.clear()
    assert (await http.get(path)).json()["code"] == "not_found"
    assert (await sender.browser.http.get(path)).status_code == 404


async def test_recall_ends_a_download_that_was_open(pair: Pair) -> None:
    services, sender = pair
    http, path = await opened(services, await world.delivered(services, sender, CONTENT))
    assert (await sender.browser.post(f"/transfers/{sender.transfer_id}/recall")).status_code == 200
    assert (await http.get(path)).json()["code"] == "transfer_over"
    assert not [key for key in services.blobs.list("") if key.endswith("/key")]


async def test_recall_is_noticed_at_the_next_segment(pair: Pair) -> None:
    services, sender = pair
    url = await sender.created(len(CONTENT))
    for start in range(0, len(CONTENT), 150_000):
        await sender.append(url, start, CONTENT[start : start + 150_000])
    await sender.send()
    run_jobs(services)
    http, path = await opened(services, world.file_id(url))
    blobs, recalled = blobs_of(services), False
    get = blobs.get

    def get_and_recall(key: str, **where: Any) -> bytes:
        nonlocal recalled
        data = get(key, **where)
        if where.get("length") and not recalled:
            recalled = True
            with services.database.write() as tx:
                tx.execute(sa.text("UPDATE recipients SET revoked_at = 1"))
        return data

    blobs.get = get_and_recall  # type: ignore[method-assign]  # the moment between two segments
    answer = await http.get(path)
    assert recalled
    assert CONTENT[:150_000].startswith(answer.content)


async def test_infected_file_is_never_readable_and_keeps_its_transfer(pair: Pair) -> None:
    services, sender = pair
    uploaded = await sender.upload(b"INFECTED" * 100)
    await sender.send()
    run_jobs(services)
    assert await state(sender) == "Infected"
    assert (await sender.shown())["state"] == "AwaitingFiles"
    assert not [mail for mail in outbox(services).mails if mail.to == people.RECIPIENT]
    forge_delivery(services, uploaded)
    http, link = await world.recipient(services)
    assert (await world.open_download(http, link, uploaded)).status_code == 404


def forge_delivery(services: Services, file_id: str) -> None:
    """What someone with the database but not the keys could write."""
    with services.database.write() as tx:
        tx.execute(sa.update(files).where(files.c.id == file_id).values(state="Clean"))
        tx.execute(sa.update(transfers).values(state="AwaitingFiles"))
        delivering.advance(tx, services, tx.execute(sa.select(transfers.c.id)).scalar_one())
    run_jobs(services)


async def test_state_in_the_database_alone_opens_nothing(pair: Pair) -> None:
    services, sender = pair
    uploaded = await world.delivered(services, sender, CONTENT)
    with services.database.write() as tx:
        tx.execute(sa.update(files).where(files.c.id == uploaded).values(verdict_sealed=None))
    http, link = await world.recipient(services)
    assert (await world.open_download(http, link, uploaded)).status_code == 404


async def test_scanner_down_keeps_the_file_and_goes_on_by_itself(pair: Pair) -> None:
    services, sender = pair
    scanner_of(services).down = True
    await sender.upload(CONTENT)
    await sender.send()
    run_jobs(services)
    assert await state(sender) == "Scanning"
    assert not [mail for mail in outbox(services).mails if mail.to == people.RECIPIENT]
    scanner_of(services).down = False
    clock_of(services).advance(seconds=6)
    run_jobs(services)
    assert (await sender.shown())["state"] == "Delivered"


@pytest.mark.parametrize("age", [timedelta(hours=73), timedelta(hours=-2)])
async def test_clean_by_stale_or_future_signatures_is_not_clean(pair: Pair, age: timedelta) -> None:
    services, sender = pair
    scanner_of(services).published = services.clock.now() - age
    await sender.upload(CONTENT)
    await sender.send()
    run_jobs(services)
    assert await state(sender) == "Scanning"
    scanner_of(services).published = None
    clock_of(services).advance(seconds=6)
    run_jobs(services)
    assert await state(sender) == "Clean"


@pytest.mark.parametrize("damage", ["flip", "cut", "lose", "lose key"])
async def test_damaged_file_is_not_delivered(pair: Pair, damage: str) -> None:
    services, sender = pair
    uploaded = await sender.upload(CONTENT)
    with services.database.read() as tx:
        segment = tx.execute(sa.select(segments.c.object_id)).scalar_one()
    objects, key = blobs_of(services).objects, f"{uploaded}/{segment}"
    if damage == "flip":
        objects[key] = objects[key][:-1] + bytes([objects[key][-1] ^ 1])
    elif damage == "cut":
        objects[key] = objects[key][:-1]
    else:
        del objects[key if damage == "lose" else f"{uploaded}/key"]
    run_jobs(services)
    assert await state(sender) == "Unscannable"


async def test_shown_checksum_is_that_of_the_content(pair: Pair) -> None:
    services, sender = pair
    await world.delivered(services, sender, CONTENT)
    http, link = await world.recipient(services)
    shown = (await http.get(f"/api/v1/r/{link}/files")).json()["files"][0]
    assert shown["sha256"] == hashlib.sha256(CONTENT).hexdigest()
