"""tus 1.0.0 as a client sees it: each refusal has its status and code, and loses nothing."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import httpx
import pytest

import people_world as people
import upload_world as world
from builders import MemoryBlobs, clock_of, make_settings, run_jobs
from kozutumi_app.services import Services
from kozutumi_app.use_cases import settings_store, usage
from kozutumi_app.use_cases import upload as uploads
from upload_world import Sender


@pytest.fixture
async def pair(tmp_path: Path) -> tuple[Services, Sender]:
    return await world.world(tmp_path, settings=make_settings(max_file_size=1_000_000, quota_storage=1_500_000))


Pair = tuple[Services, Sender]


def used(services: Services) -> int:
    with services.database.read() as tx:
        return usage.measure(tx).bytes


def refused(answer: httpx.Response, status: int, code: str) -> bool:
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    return (answer.status_code, answer.json()["code"]) == (status, code)


def checksum(algorithm: str, content: bytes) -> str:
    return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, content).digest()).decode()}"


async def test_options_says_what_is_supported_to_anyone(pair: Pair) -> None:
    answer = await pair[1].browser.http.options("/files/")
    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    extensions = {"creation", "creation-with-upload", "checksum", "termination", "expiration", "concatenation"}
    assert set(answer.headers["Tus-Extension"].split(",")) == extensions
    assert answer.headers["Tus-Max-Size"] == "1000000"
    assert answer.headers["Tus-Checksum-Algorithm"] == "sha1,sha256,sha512"


async def test_upload_in_two_requests(pair: Pair) -> None:
    services, sender = pair
    url = await sender.created(10)
    assert url.startswith(f"{services.settings.public_url}/files/")
    first = await sender.append(url, 0, b"01234")
    assert (first.status_code, first.headers["Upload-Offset"]) == (204, "5")
    assert first.headers["Upload-Expires"].endswith("GMT")
    head = await sender.request("HEAD", url)
    assert (head.headers["Upload-Offset"], head.headers["Upload-Length"]) == ("5", "10")
    assert head.headers["Cache-Control"] == "no-store"
    assert base64.b64encode(world.NAME.encode()).decode() in head.headers["Upload-Metadata"]
    second = await sender.append(url, 5, b"56789")
    assert (second.status_code, second.headers["Upload-Offset"]) == (204, "10")
    shown = (await sender.shown())["files"][0]
    assert (shown["state"], shown["name"]) == ("Scanning", world.NAME)


async def test_file_of_nothing_is_complete_at_once(pair: Pair) -> None:
    services, sender = pair
    await sender.created(0)
    run_jobs(services)
    assert (await sender.shown())["files"][0]["state"] == "Clean"


async def test_only_ciphertext_is_stored(pair: Pair) -> None:
    services, sender = pair
    marker = b"a marker that nobody may find" * 40
    await sender.upload(marker)
    assert isinstance(services.blobs, MemoryBlobs)
    stored = b"".join(services.blobs.objects.values()) + services.database.path.read_bytes()
    assert marker[:29] not in stored
    assert world.NAME.encode() not in stored


CREATIONS = [
    ({"Tus_Resumable": "0.2.2"}, 412, "tus"),
    ({"Upload_Length": "-1"}, 400, "tus"),
    ({"Upload_Length": "1e3"}, 400, "tus"),
    ({"Upload_Length": "9" * 30}, 400, "tus"),
    ({"Upload_Defer_Length": "1"}, 400, "tus"),
    ({"Upload_Metadata": "filename !!!"}, 400, "tus"),
    ({"Upload_Metadata": ""}, 422, "invalid_input"),
    ({"Upload_Length": "1000001"}, 413, "upload_too_large"),
    ({"X_CSRF_Token": "wrong"}, 403, "csrf_failed"),
    ({"Origin": "https://evil.test"}, 403, "csrf_failed"),
    ({"Sec_Fetch_Site": "cross-site"}, 403, "csrf_failed"),
]


@pytest.mark.parametrize(("headers", "status", "code"), CREATIONS)
async def test_creation_is_refused_before_anything_is_stored(
    pair: Pair, headers: dict[str, str], status: int, code: str
) -> None:
    services, sender = pair
    assert refused(await sender.create(5, **headers), status, code)
    assert (used(services), list(services.blobs.list(""))) == (0, [])


async def test_stranger_is_refused_everywhere(pair: Pair) -> None:
    services, sender = pair
    url = await sender.created(5)
    sender.browser.http.cookies.clear()
    assert refused(await sender.create(5), 401, "not_signed_in")
    assert (await sender.request("HEAD", url)).status_code == 401
    assert refused(await sender.append(url, 0, b"01234"), 401, "not_signed_in")
    assert refused(await sender.request("DELETE", url), 401, "not_signed_in")
    assert used(services) == 5


async def test_upload_of_another_member_does_not_exist(pair: Pair) -> None:
    services, sender = pair
    url = await sender.created(5)
    browser = await people.member(services, sender.administrator, "other@acme.test")
    other = Sender(browser, sender.transfer_id, sender.administrator)
    assert refused(await other.create(5), 404, "not_found")
    assert (await other.request("HEAD", url)).status_code == 404
    assert refused(await other.append(url, 0, b"01234"), 404, "not_found")
    assert refused(await other.request("DELETE", url), 404, "not_found")
    assert await sender.offset(url) == 0


async def test_full_quota_is_refused_and_given_back(pair: Pair) -> None:
    services, sender = pair
    url = await sender.created(1_000_000)
    assert refused(await sender.create(500_001), 413, "quota_exceeded")
    assert (await sender.request("DELETE", url)).status_code == 204
    assert (await sender.create(1_000_000)).status_code == 201
    run_jobs(services)
    assert not list(services.blobs.list(world.file_id(url)))
    assert (await sender.request("HEAD", url)).status_code == 410


APPENDS = [
    ({"Upload_Offset": "4"}, 409, "offset_mismatch"),
    ({"Upload_Offset": ""}, 400, "tus"),
    ({"Content_Type": "application/octet-stream"}, 415, "tus"),
    ({"Upload_Checksum": "md5 AAAA"}, 400, "tus"),
    ({"Upload_Checksum": "sha1 ???"}, 400, "tus"),
    ({"Upload_Checksum": checksum("sha256", b"other")}, 460, "checksum_mismatch"),
    ({"Upload_Checksum": checksum("sha1", b"other")}, 460, "checksum_mismatch"),
]


@pytest.mark.parametrize(("headers", "status", "code"), APPENDS)
async def test_refused_append_loses_nothing(pair: Pair, headers: dict[str, str], status: int, code: str) -> None:
    services, sender = pair
    url = await sender.created(10)
    await sender.append(url, 0, b"01234")
    before = sorted(services.blobs.list(""))
    assert refused(await sender.append(url, 5, b"56789", **headers), status, code)
    assert await sender.offset(url) == 5
    assert sorted(services.blobs.list("")) == before
    assert (await sender.append(url, 5, b"56789")).status_code == 204
    assert services.budget.used == 0


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
async def test_right_checksum_is_accepted(pair: Pair, algorithm: str) -> None:
    _, sender = pair
    content = bytes(200_000)
    url = await sender.created(len(content))
    answer = await sender.append(url, 0, content, Upload_Checksum=checksum(algorithm, content))
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, "200000")


async def test_more_than_was_announced_is_refused_with_and_without_a_length(pair: Pair) -> None:
    services, sender = pair
    url = await sender.created(10)
    assert refused(await sender.append(url, 0, b"0" * 11), 413, "upload_too_large")
    assert refused(await sender.append(url, 0, world.in_pieces(b"0" * 11, 6)), 413, "upload_too_large")
    assert await sender.offset(url) == 0
    assert services.budget.used == 0


async def test_store_that_is_down_keeps_what_was_accepted(pair: Pair) -> None:
    services, sender = pair
    assert isinstance(services.blobs, MemoryBlobs)
    url = await sender.created(10)
    await sender.append(url, 0, b"01234")
    services.blobs.down = True
    assert refused(await sender.append(url, 5, b"56789"), 503, "storage_unavailable")
    assert refused(await sender.create(5), 503, "storage_unavailable")
    assert await sender.offset(url) == 5
    assert used(services) == 10
    services.blobs.down = False
    assert (await sender.append(url, 5, b"56789")).headers["Upload-Offset"] == "10"


async def test_upload_nobody_continues_expires_and_gives_its_quota_back(pair: Pair) -> None:
    services, sender = pair
    url = await sender.created(10)
    clock_of(services).advance(hours=5)
    await sender.append(url, 0, b"01234")
    clock_of(services).advance(hours=23)
    assert (uploads.expire_due(services), used(services)) == (0, 10)
    clock_of(services).advance(hours=2)
    assert (uploads.expire_due(services), used(services)) == (1, 0)
    run_jobs(services)
    assert list(services.blobs.list("")) == []


@pytest.mark.parametrize("method", ["POST", "GET", "PUT"])
async def test_method_override_takes_the_place_of_any_method(pair: Pair, method: str) -> None:
    _, sender = pair
    url = await sender.created(5)
    headers = {"Upload_Offset": "0", "Content_Type": "application/offset+octet-stream"}
    answer = await sender.request(method, url, b"01234", X_HTTP_Method_Override="PATCH", **headers)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, "5")
    assert (await sender.request(method, url, X_HTTP_Method_Override="HEAD")).headers["Upload-Offset"] == "5"
    assert (await sender.request(method, url, X_HTTP_Method_Override="DELETE")).status_code == 204
    assert (await sender.request("HEAD", url)).status_code == 410


async def test_sent_transfer_takes_no_more_files(pair: Pair) -> None:
    _, sender = pair
    file_id = await sender.upload(b"01234")
    await sender.send()
    assert refused(await sender.create(5), 409, "transfer_closed")
    assert refused(await sender.request("DELETE", f"/files/{file_id}"), 409, "transfer_closed")


async def test_draining_app_takes_nothing_new(pair: Pair) -> None:
    services, sender = pair
    url = await sender.created(5)
    with services.database.write() as tx:
        settings_store.set_draining(tx)
    assert refused(await sender.create(5), 503, "draining")
    assert refused(await sender.append(url, 0, b"01234"), 503, "draining")
    assert await sender.offset(url) == 0
