"""How often a delivery may be fetched: one winner of a race, once for each file, given back where nothing left."""

from __future__ import annotations

import asyncio
from pathlib import Path

import sqlalchemy as sa

import upload_world as world
from builders import client, clock_of
from delivery_world import content_of, events, open_archive, sent
from kozutumi_app.adapters.database.schema import audit_events


async def test_racing_downloads_on_a_limit_of_one_have_one_winner_fifty_times(tmp_path: Path) -> None:
    services, _, ids = await sent(tmp_path, {f"{number}.txt": b"x" for number in range(50)}, max_downloads=1)
    first, link = await world.recipient(services)
    racing = [first, client(services)]  # two browsers of one recipient, two requests of each
    racing[1].cookies.update(first.cookies)
    for file_id in ids:
        answers = await asyncio.gather(
            *(world.open_download(http, link, file_id) for http in racing for _ in range(2)),
        )
        assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
        for http in racing:
            http.cookies.delete(f"__Host-download-{file_id[:8]}")
        clock_of(services).advance(seconds=30)
    with services.database.read() as tx:
        counted = sa.select(audit_events.c.type, sa.func.count()).group_by(audit_events.c.type)
        counts = {row[0]: row[1] for row in tx.execute(counted)}
    assert (counts["download.opened"], counts["download.refused"]) == (50, 150)


async def test_an_archive_and_a_file_alone_race_for_the_last_download(tmp_path: Path) -> None:
    services, _, (first, second) = await sent(tmp_path, {"a": b"a", "b": b"b"}, max_downloads=1)
    http, link = await world.recipient(services)
    alone, together = await asyncio.gather(world.open_download(http, link, first), open_archive(http, link))
    assert sorted((alone.status_code, together.status_code)) == [201, 409]
    assert (await world.open_download(http, link, second)).status_code == (409 if together.status_code == 201 else 201)


async def test_the_browser_that_opened_it_goes_on_and_counts_once(tmp_path: Path) -> None:
    content = content_of(200_000)
    services, _, (file_id,) = await sent(tmp_path, {"a.bin": content}, max_downloads=1)
    http, link = await world.recipient(services)
    url = (await world.open_download(http, link, file_id)).json()["url"]
    begun = await http.get(url, headers={"Range": "bytes=0-99999"})
    assert (await world.open_download(http, link, file_id)).status_code == 201  # pressed again
    rest = await http.get(url, headers={"Range": "bytes=100000-", "If-Range": begun.headers["ETag"]})
    assert begun.content + rest.content == content
    assert events(services).count("download.opened") == 1
    assert (await world.open_download(http, link, file_id)).json()["code"] == "downloads_exhausted"


async def test_an_archive_counts_each_of_its_files_and_is_given_back_where_nothing_left(tmp_path: Path) -> None:
    contents = {"a.bin": content_of(1000), "empty": b"", "c.bin": content_of(1001)}
    services, _, (first, empty, last) = await sent(tmp_path, contents, max_downloads=1)
    http, link = await world.recipient(services)
    url = (await open_archive(http, link)).json()["url"]
    begun = await http.get(url, headers={"Range": "bytes=0-500"})
    assert begun.status_code == 206
    http.cookies.delete(f"__Host-download-{url.rpartition('/')[2][:8]}")
    assert (await open_archive(http, link)).status_code == 409
    clock_of(services).advance(hours=13)
    http, link = await world.recipient(services)
    statuses = [(await world.open_download(http, link, file_id)).status_code for file_id in (first, empty, last)]
    assert statuses == [409, 201, 201]


async def test_an_empty_file_counts_once_it_was_fetched(tmp_path: Path) -> None:
    services, _, (file_id,) = await sent(tmp_path, {"empty": b""}, max_downloads=1)
    http, link = await world.recipient(services)
    url = (await world.open_download(http, link, file_id)).json()["url"]
    assert (await http.get(url)).content == b""
    clock_of(services).advance(hours=13)
    http, link = await world.recipient(services)
    assert (await world.open_download(http, link, file_id)).status_code == 409


async def test_an_archive_sends_no_more_than_its_cap(tmp_path: Path) -> None:
    contents = {"a.bin": content_of(400_000), "b.bin": content_of(400_000)}
    services, _, _ = await sent(tmp_path, contents)
    http, link = await world.recipient(services)
    url = (await open_archive(http, link)).json()["url"]
    statuses = [(await http.get(url)).status_code for _ in range(4)]  # three copies and one mebibyte
    assert statuses == [200] * 4
    refused = await http.get(url)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    little = await http.get(url, headers={"Range": "bytes=-200000"})
    assert little.status_code == 206  # what is left may still be used to go on
    assert (await http.get(url, headers={"Range": "bytes=-200000"})).status_code == 429


async def test_refusals_are_recorded_until_someone_asks_on_and_on(tmp_path: Path) -> None:
    services, sender, (file_id,) = await sent(tmp_path, {"a": b"a"})
    http, link = await world.recipient(services)
    url = (await world.open_download(http, link, file_id)).json()["url"]
    assert (await sender.browser.post(f"/transfers/{sender.transfer_id}/recall")).status_code == 200
    statuses = [(await http.get(url)).status_code for _ in range(70)]
    assert statuses[:60] == [410] * 60
    assert set(statuses[60:]) == {429}
    assert events(services).count("download.refused") == 60
