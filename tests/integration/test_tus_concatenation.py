"""tus 1.0.0, concatenation: parts sent side by side become one file, once, within one reservation of quota."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

import upload_world as world
from builders import MemoryBlobs, clock_of, make_settings, run_jobs
from kozutumi_app.adapters.database.schema import files
from kozutumi_app.services import Services
from kozutumi_app.use_cases import upload as uploads
from kozutumi_app.use_cases import upload_committing, upload_joining, usage
from kozutumi_app.use_cases.upload_receiving import SEGMENT_BYTES
from upload_world import Sender

Pair = tuple[Services, Sender]
CONTENT = random.Random(3).randbytes(SEGMENT_BYTES + 300_000)  # noqa: S311 - test content
PARTS = (CONTENT[:100_000], CONTENT[100_000:150_000], CONTENT[150_000:])


@pytest.fixture
async def pair(tmp_path: Path) -> Pair:
    return await world.world(tmp_path, settings=make_settings(quota_storage=len(CONTENT) + 10))


def used(services: Services) -> int:
    with services.database.read() as tx:
        return usage.measure(tx).bytes


def rows(services: Services) -> int:
    with services.database.read() as tx:
        return tx.execute(sa.select(sa.func.count()).select_from(files)).scalar_one()


async def part(sender: Sender, content: bytes, announced: int | None = None) -> str:
    headers = {"Upload_Concat": "partial", "Upload_Length": str(len(content) if announced is None else announced)}
    answer = await sender.create(0, **headers)
    assert answer.status_code == 201, answer.text
    url = answer.headers["Location"]
    if content:
        assert (await sender.append(url, 0, content)).status_code == 204
    return str(url)


async def final(sender: Sender, *urls: str, **headers: str) -> httpx.Response:
    given = {"Upload_Concat": "final;" + " ".join(urls), "Upload_Metadata": sender.metadata()} | headers
    return await sender.request("POST", "/files/", **given)


async def test_three_parts_sent_at_once_become_one_file(pair: Pair) -> None:
    services, sender = pair
    urls = await asyncio.gather(*(part(sender, content) for content in PARTS))
    assert (used(services), (await sender.shown())["files"]) == (len(CONTENT), [])
    answer = await final(sender, *urls)
    assert (answer.status_code, "Upload-Offset" in answer.headers) == (201, False)
    url = answer.headers["Location"]
    head = await sender.request("HEAD", url)
    assert head.headers["Upload-Concat"] == "final;" + " ".join(urls)
    assert (head.headers["Upload-Length"], "Upload-Offset" in head.headers) == (str(len(CONTENT)), False)
    assert used(services) == len(CONTENT)
    run_jobs(services)
    head = await sender.request("HEAD", url)
    assert head.headers["Upload-Offset"] == head.headers["Upload-Length"] == str(len(CONTENT))
    assert (used(services), rows(services)) == (len(CONTENT), 1)
    await sender.send()
    run_jobs(services)
    http, link = await world.recipient(services)
    opened = await world.open_download(http, link, world.file_id(url))
    assert (await http.get(opened.json()["url"])).content == CONTENT
    assert isinstance(services.blobs, MemoryBlobs)
    assert {name.partition("/")[0] for name in services.blobs.objects} == {world.file_id(url)}


async def test_head_of_a_part_says_partial_and_its_offset(pair: Pair) -> None:
    _, sender = pair
    url = await part(sender, b"01234", 9)
    head = await sender.request("HEAD", url)
    assert (head.headers["Upload-Concat"], head.headers["Upload-Offset"]) == ("partial", "5")
    assert (head.headers["Upload-Length"], "Upload-Expires" in head.headers) == ("9", True)


async def test_file_of_parts_takes_no_bytes(pair: Pair) -> None:
    services, sender = pair
    answer = await final(sender, await part(sender, b"01234"))
    url = answer.headers["Location"]
    for _ in range(2):
        patched = await sender.append(url, 0, b"01234")
        assert (patched.status_code, patched.json()["code"]) == (403, "tus")
        run_jobs(services)
    assert (await sender.request("HEAD", url)).headers["Upload-Offset"] == "5"


REFUSED = [
    ("a length", {"Upload_Length": "5"}, 400),
    ("neither partial nor final", {"Upload_Concat": "middle"}, 400),
    ("no part", {"Upload_Concat": "final;"}, 400),
    ("an unknown part", {"Upload_Concat": "final;/files/" + "a" * 26}, 404),
]


@pytest.mark.parametrize(("headers", "status"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
async def test_wrong_request_for_a_file_of_parts_uses_none_up(pair: Pair, headers: dict[str, str], status: int) -> None:
    services, sender = pair
    url = await part(sender, b"01234")
    assert (await final(sender, url, **headers)).status_code == status
    assert used(services) == 5
    assert (await final(sender, url)).status_code == 201


async def test_part_is_used_once_and_only_when_it_is_whole(pair: Pair) -> None:
    services, sender = pair
    whole, half = await part(sender, b"01234"), await part(sender, b"56", 5)
    assert (await final(sender, whole, half)).json()["code"] == "upload_unfinished"
    assert (await final(sender, whole, whole)).status_code == 422
    await sender.append(half, 2, b"789")
    assert (await final(sender, half, whole)).status_code == 201
    assert (await final(sender, whole)).status_code == 410
    assert (await sender.request("HEAD", half)).status_code == 410
    assert used(services) == 10


async def test_two_files_racing_for_one_part_have_one_winner(pair: Pair) -> None:
    services, sender = pair
    url = await part(sender, b"01234")
    answers = await asyncio.gather(*(final(sender, url) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 410, 410, 410, 410]
    assert used(services) == 5


async def test_whole_file_is_no_part(pair: Pair) -> None:
    _, sender = pair
    url = await sender.created(5)
    await sender.append(url, 0, b"01234")
    assert (await final(sender, url)).status_code == 422


@pytest.mark.parametrize("end", ["cancel", "expiry", "transfer"])
async def test_room_of_parts_is_given_back(pair: Pair, end: str) -> None:
    services, sender = pair
    url = await part(sender, b"01234", 9)
    if end == "cancel":
        assert (await sender.request("DELETE", url)).status_code == 204
    elif end == "expiry":
        clock_of(services).advance(hours=25)
        uploads.expire_due(services)
    else:
        await sender.browser.post(f"/transfers/{sender.transfer_id}/cancel")
    assert used(services) == 0
    run_jobs(services)
    assert list(services.blobs.list("")) == []
    assert rows(services) == 0


async def test_cancelled_file_takes_its_parts_along(pair: Pair) -> None:
    services, sender = pair
    answer = await final(sender, await part(sender, b"01234"), await part(sender, b"56789"))
    assert (await sender.request("DELETE", answer.headers["Location"])).status_code == 204
    assert used(services) == 0
    run_jobs(services)
    assert (list(services.blobs.list("")), rows(services)) == ([], 1)


async def test_joining_that_was_killed_goes_on_where_it_was(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    services, sender = pair
    answer = await final(sender, *[await part(sender, content) for content in PARTS])
    file_id = world.file_id(answer.headers["Location"])
    commit, left = upload_committing.commit, 2

    def killed(*given: object) -> object:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        return commit(*given)  # type: ignore[arg-type]  # as given

    monkeypatch.setattr(upload_committing, "commit", killed)
    with pytest.raises(KeyboardInterrupt):
        upload_joining.join(services, file_id)
    monkeypatch.setattr(upload_committing, "commit", commit)
    assert (await sender.shown())["files"][0]["offset"] == len(PARTS[0]) + len(PARTS[1])
    run_jobs(services)
    assert (await sender.shown())["files"][0]["state"] == "Clean"


async def test_damaged_part_ends_the_file_and_gives_its_room_back(pair: Pair) -> None:
    services, sender = pair
    url = await part(sender, b"01234")
    answer = await final(sender, url)
    assert isinstance(services.blobs, MemoryBlobs)
    name = next(n for n in services.blobs.objects if n.startswith(world.file_id(url)) and not n.endswith("/key"))
    services.blobs.objects[name] = bytes(len(services.blobs.objects[name]))
    run_jobs(services)
    assert (await sender.request("HEAD", answer.headers["Location"])).status_code == 410
    assert (used(services), list(services.blobs.list(""))) == (0, [])
