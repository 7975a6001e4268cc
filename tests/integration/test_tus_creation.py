"""tus 1.0.0, creation and creation-with-upload: what begins an upload, and what must leave nothing behind."""

from __future__ import annotations

import base64
import hashlib
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

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
