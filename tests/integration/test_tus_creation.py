"""tus 1.0.0, creation and creation-with-upload: what begins an upload, and what must leave nothing behind."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from dataclasses import replace
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

import people_world as people
import upload_world as world
from builders import MemoryBlobs, clock_of, make_settings, run_jobs
from kozutumi_app.services import Services
from kozutumi_app.use_cases import upload as uploads
from kozutumi_app.use_cases import usage
from upload_world import Sender

OFFSET_STREAM = "application/offset+octet-stream"
Pair = tuple[Services, Sender]


@pytest.fixture
async def pair(tmp_path: Path) -> Pair:
    settings = make_settings(max_file_size=6 * 2**30, quota_storage=10 * 2**30)
    return await world.world(tmp_path, settings=settings)


def used(services: Services) -> int:
    with services.database.read() as tx:
        return usage.measure(tx).bytes


def stored(services: Services) -> list[str]:
    assert isinstance(services.blobs, MemoryBlobs)
    return sorted(services.blobs.objects)


async def test_creation_answers_with_place_expiry_and_no_offset_of_another(pair: Pair) -> None:
    services, sender = pair
    answer = await sender.create(5)
    assert answer.status_code == 201
    assert answer.headers["Location"].startswith(f"{services.settings.public_url}/files/")
    expires = parsedate_to_datetime(answer.headers["Upload-Expires"])
    assert (expires - services.clock.now()).total_seconds() == pytest.approx(86_400, abs=1)
    assert answer.headers["Tus-Resumable"] == "1.0.0"


async def test_metadata_of_folders_is_kept_and_given_back(pair: Pair) -> None:
    _, sender = pair
    pairs = {"transfer": sender.transfer_id, "filename": "b.txt", "path": "folder/../sub/b.txt"}
    header = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items())
    answer = await sender.create(5, Upload_Metadata=f"{header},is_draft")
    head = await sender.request("HEAD", answer.headers["Location"])
    given = dict(entry.split(" ") for entry in head.headers["Upload-Metadata"].split(","))
    assert base64.b64decode(given["path"]).decode() == "folder/sub/b.txt"
    assert base64.b64decode(given["filename"]).decode() == "b.txt"


@pytest.mark.parametrize(("size", "sent", "state"), [(5, b"01234", "Scanning"), (9, b"01234", "Uploading")])
async def test_creation_takes_the_first_bytes_along(pair: Pair, size: int, sent: bytes, state: str) -> None:
    _, sender = pair
    answer = await sender.create(size, content=sent, Content_Type=OFFSET_STREAM)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, "5")
    assert ("Upload-Expires" in answer.headers) == (state == "Uploading")
    assert (await sender.shown())["files"][0]["state"] == state
    assert await sender.offset(answer.headers["Location"]) == 5


async def test_creation_with_an_empty_body_of_the_right_type_is_a_creation(pair: Pair) -> None:
    _, sender = pair
    answer = await sender.create(5, content=b"", Content_Type=OFFSET_STREAM)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, "0")


async def test_file_of_nothing_with_the_creation_is_complete(pair: Pair) -> None:
    services, sender = pair
    answer = await sender.create(0, content=b"", Content_Type=OFFSET_STREAM)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, "0")
    run_jobs(services)
    assert (await sender.shown())["files"][0]["state"] == "Clean"


REFUSED_BODIES = [
    ("more than announced", {"content": b"0" * 6}, 413, "upload_too_large"),
    ("a wrong checksum", {"content": b"01234", "Upload_Checksum": "sha1 " + "A" * 27 + "="}, 460, "checksum_mismatch"),
    ("another type", {"content": b"01234", "Content_Type": "text/plain"}, 415, "tus"),
]


@pytest.mark.parametrize(
    ("given", "status", "code"), [case[1:] for case in REFUSED_BODIES], ids=[case[0] for case in REFUSED_BODIES]
)
async def test_refused_body_ends_the_upload_that_nobody_could_find(
    pair: Pair, given: dict[str, str], status: int, code: str
) -> None:
    services, sender = pair
    answer = await sender.create(5, **({"Content_Type": OFFSET_STREAM} | given))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    run_jobs(services)
    assert (used(services), stored(services), services.budget.used) == (0, [], 0)


async def test_checksum_of_the_first_bytes_is_checked_too(pair: Pair) -> None:
    _, sender = pair
    checksum = "sha256 " + base64.b64encode(hashlib.sha256(b"01234").digest()).decode()
    answer = await sender.create(5, content=b"01234", Content_Type=OFFSET_STREAM, Upload_Checksum=checksum)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, "5")


async def test_file_past_what_can_be_scanned_is_told_so_before_a_byte_is_sent(pair: Pair) -> None:
    _, sender = pair
    assert "Upload-Scannable" not in (await sender.create(2**31 - 1)).headers
    answer = await sender.create(5 * 2**30)
    assert (answer.status_code, answer.headers["Upload-Scannable"]) == (201, "no")
    head = await sender.request("HEAD", answer.headers["Location"])
    assert head.headers["Upload-Scannable"] == "no"


async def test_expired_upload_is_gone_for_every_method(pair: Pair) -> None:
    services, sender = pair
    created = await sender.create(5)
    url, token = created.headers["Location"], created.headers["Upload-Token"]
    clock_of(services).advance(hours=25)
    for _ in ("before it is swept", "after"):
        head = await sender.request("HEAD", url, Upload_Token=token)
        assert (head.status_code, "Upload-Offset" in head.headers) == (410, False)
        assert (await sender.append(url, 0, b"01234", Upload_Token=token)).status_code == 410
        assert (await sender.request("DELETE", url, Upload_Token=token)).status_code == 410
        uploads.expire_due(services)


async def test_unknown_upload_is_not_found_and_shows_no_offset(pair: Pair) -> None:
    _, sender = pair
    head = await sender.request("HEAD", "/files/" + "a" * 26)
    assert (head.status_code, "Upload-Offset" in head.headers, head.headers["Cache-Control"]) == (
        404,
        False,
        "no-store",
    )


@pytest.mark.parametrize(("method", "status"), [("GET", 405), ("PUT", 405), ("OPTIONS", 204)])
async def test_every_answer_names_the_version_and_options_needs_none(pair: Pair, method: str, status: int) -> None:
    _, sender = pair
    answer = await sender.browser.http.request(method, "/files/" + "a" * 26)
    assert (answer.status_code, answer.headers["Tus-Resumable"]) == (status, "1.0.0")


async def test_unknown_version_is_told_which_there_is_and_nothing_is_done(pair: Pair) -> None:
    services, sender = pair
    answer = await sender.create(5, Tus_Resumable="2.0.0")
    assert (answer.status_code, answer.headers["Tus-Version"]) == (412, "1.0.0")
    assert (used(services), stored(services)) == (0, [])


def files_of(shown: dict[str, Any]) -> list[tuple[str, int]]:
    return [(file["state"], file["offset"]) for file in shown["files"]]


async def test_a_creation_sent_again_is_answered_with_the_upload_that_it_made(pair: Pair) -> None:
    services, sender = pair
    first = await sender.create(9, b"01234", Content_Type=OFFSET_STREAM, Idempotency_Key="one")
    again = await sender.create(9, b"01234", Content_Type=OFFSET_STREAM, Idempotency_Key="one")
    assert (again.status_code, again.headers["Location"]) == (201, first.headers["Location"])
    assert again.headers["Upload-Offset"] == "5"
    assert files_of(await sender.shown()) == [("Uploading", 5)]
    assert used(services) == 9
    token = again.headers["Upload-Token"]
    assert (await sender.append(first.headers["Location"], 5, b"5678", Upload_Token=token)).status_code == 204
    late = await sender.create(9, Idempotency_Key="one")
    assert (late.headers["Location"], late.headers["Upload-Offset"]) == (first.headers["Location"], "9")
    other = await sender.create(9, Idempotency_Key="two")
    assert other.headers["Location"] != first.headers["Location"]


async def test_the_last_room_is_not_asked_for_twice(tmp_path: Path) -> None:
    services, sender = await world.world(tmp_path, settings=make_settings(max_file_size=9, quota_storage=9))
    first = await sender.create(9, Idempotency_Key="one")
    again = await sender.create(9, Idempotency_Key="one")
    assert again.headers["Location"] == first.headers["Location"]
    assert (await sender.create(9, Idempotency_Key="two")).status_code == 413
    assert len(stored(services)) == 1


async def test_a_key_names_one_upload_of_one_transfer(pair: Pair) -> None:
    _, sender = pair
    first = await sender.create(5, Idempotency_Key="one")
    for changed in ({"Upload_Length": "6"}, {"Upload_Metadata": sender.metadata("other.pdf")}):
        answer = await sender.create(5, **changed, Idempotency_Key="one")
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    for key in ("", "two words", "x" * 256):
        assert (await sender.create(5, Idempotency_Key=key)).json()["code"] == "invalid_input"
    sender.transfer_id = await people.draft(sender.browser)
    elsewhere = await sender.create(5, Idempotency_Key="one")
    assert (elsewhere.status_code, elsewhere.headers["Location"] == first.headers["Location"]) == (201, False)


async def test_a_creation_sent_again_opens_nothing_that_ended_or_is_another_s(pair: Pair) -> None:
    services, sender = pair
    first = await sender.create(5, Idempotency_Key="one")
    stranger = await people.member(services, sender.administrator, "stranger@acme.test")
    theirs = replace(sender, browser=stranger)
    assert (await theirs.create(5, Idempotency_Key="one")).status_code == 404
    assert (await theirs.create(6, Idempotency_Key="one")).status_code == 404
    assert (await sender.request("DELETE", first.headers["Location"])).status_code == 204
    assert (await sender.create(5, Idempotency_Key="one")).status_code == 410


async def test_of_two_at_once_one_begins_and_the_other_is_told_to_ask_again(pair: Pair) -> None:
    services, sender = pair
    answers = await asyncio.gather(*(sender.create(5, Idempotency_Key="one") for _ in range(4)))
    begun = {answer.headers["Location"] for answer in answers if answer.status_code == 201}
    assert len(begun) == 1
    assert {answer.json()["code"] for answer in answers if answer.status_code != 201} <= {"idempotency_conflict"}
    assert files_of(await sender.shown()) == [("Uploading", 0)]
    run_jobs(services)
    assert len(stored(services)) == 1
