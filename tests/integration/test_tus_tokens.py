"""An upload's own token: it outlives the session, opens nothing else, and ends with the upload or its owner."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import httpx
import pytest

import people_world as people
import upload_world as world
from builders import client, clock_of
from kozutumi_app.services import Services
from kozutumi_app.use_cases import upload_tokens
from upload_world import Sender

Pair = tuple[Services, Sender]
STREAM = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}


@pytest.fixture
async def pair(tmp_path: Path) -> Pair:
    return await world.world(tmp_path)


async def created(sender: Sender, size: int = 10) -> tuple[str, str]:
    answer = await sender.create(size)
    return answer.headers["Location"], answer.headers["Upload-Token"]


async def append(http: httpx.AsyncClient, url: str, token: str, offset: int, content: bytes) -> httpx.Response:
    headers = STREAM | {"Upload-Token": token, "Upload-Offset": str(offset)}
    return await http.patch(url, content=content, headers=headers)


async def test_long_upload_survives_the_end_of_the_session(pair: Pair) -> None:
    services, sender = pair
    url, token = await created(sender)
    await sender.browser.http.delete("/api/v1/session", headers={"X-CSRF-Token": sender.browser.csrf})
    stranger = client(services)
    assert (await stranger.head(url, headers={"Tus-Resumable": "1.0.0"})).status_code == 401
    assert (await append(stranger, url, token, 0, b"01234")).headers["Upload-Offset"] == "5"
    head = await stranger.head(url, headers={"Tus-Resumable": "1.0.0", "Upload-Token": token})
    assert head.headers["Upload-Offset"] == "5"
    assert (await append(stranger, url, token, 5, b"56789")).headers["Upload-Offset"] == "10"


async def test_token_opens_no_other_upload_and_creates_none(pair: Pair) -> None:
    services, sender = pair
    (_, token), (other, _) = await created(sender), await created(sender)
    stranger = client(services)
    assert (await append(stranger, other, token, 0, b"01234")).status_code == 404
    headers = {"Tus-Resumable": "1.0.0", "Upload-Token": token, "Upload-Length": "5"}
    refused = await stranger.post("/files/", headers=headers | {"Upload-Metadata": sender.metadata()})
    assert (refused.status_code, refused.json()["code"]) == (401, "upload_token_ended")
    assert (await stranger.get("/api/v1/transfers", headers={"Upload-Token": token})).status_code == 401


@pytest.mark.parametrize("token", ["", "x", "x.y", "a" * 43 + "." + "0" * 32])
async def test_made_up_token_is_refused_though_a_session_is_there(pair: Pair, token: str) -> None:
    _, sender = pair
    url, _ = await created(sender)
    answer = await append(sender.browser.http, url, token, 0, b"01234")
    assert (answer.status_code, answer.json()["code"]) == (401, "upload_token_ended")


async def test_page_of_another_site_cannot_use_a_token(pair: Pair) -> None:
    services, sender = pair
    url, token = await created(sender)
    headers = STREAM | {"Upload-Token": token, "Upload-Offset": "0", "Origin": "https://evil.test"}
    assert (await client(services).patch(url, content=b"01234", headers=headers)).status_code == 403


async def test_renewed_token_goes_on_and_the_old_one_ends_shortly_after(pair: Pair) -> None:
    services, sender = pair
    url, token = await created(sender)
    clock_of(services).advance(hours=23.9)
    answer = await client(services).post("/api/v1/upload-tokens/renew", headers={"Upload-Token": token})
    assert answer.status_code == 200, answer.text
    fresh = answer.json()["token"]
    assert (await append(client(services), url, token, 0, b"01")).status_code == 204
    clock_of(services).advance(minutes=11)
    assert (await append(client(services), url, token, 2, b"23")).status_code == 401
    assert (await append(client(services), url, fresh, 2, b"23")).status_code == 204


async def test_right_ends_after_thirty_days_however_often_it_is_renewed(pair: Pair) -> None:
    services, sender = pair
    _, token = await created(sender)
    answers: list[httpx.Response] = []
    while not answers or answers[-1].status_code == 200:
        assert len(answers) < 31
        clock_of(services).advance(hours=23.5)
        answers.append(await client(services).post("/api/v1/upload-tokens/renew", headers={"Upload-Token": token}))
        token = answers[-1].json().get("token", "")
    assert (len(answers), answers[-1].status_code) == (31, 401)
    assert answers[-1].json()["code"] == "upload_token_ended"


async def test_token_ends_with_its_upload_and_with_its_owners_account(pair: Pair) -> None:
    services, sender = pair
    (url, token), (other, another) = await created(sender), await created(sender)
    assert (await sender.request("DELETE", url)).status_code == 204
    assert (await append(client(services), url, token, 0, b"01234")).status_code == 410
    await sender.administrator.post(f"/members/{sender.browser.user['id']}/disable")
    assert (await append(client(services), other, another, 0, b"01234")).status_code == 401


async def test_token_of_a_draft_creates_and_writes_in_it_alone_and_acts_in_its_own_name(pair: Pair) -> None:
    services, sender = pair
    other = await people.draft(sender.browser)
    with services.database.write() as tx:
        until = services.clock.now() + timedelta(hours=1)
        token = upload_tokens.issue_for_transfer(tx, services, sender.transfer_id, "guest-1", until)
    guest = client(services)
    headers = {"Tus-Resumable": "1.0.0", "Upload-Token": token, "Upload-Length": "5"}
    made = await guest.post("/files/", headers=headers | {"Upload-Metadata": sender.metadata()})
    assert made.status_code == 201, made.text
    assert (await append(guest, made.headers["Location"], token, 0, b"01234")).status_code == 204
    elsewhere = await guest.post("/files/", headers=headers | {"Upload-Metadata": sender.metadata(transfer=other)})
    assert elsewhere.status_code == 404
    history = (await sender.browser.get(f"/transfers/{sender.transfer_id}/history")).json()["events"]
    acted = {event["type"]: event["actor_id"] for event in history}
    assert (acted["file.upload_created"], acted["file.uploaded"]) == ("guest-1", "guest-1")


async def test_only_hashes_of_tokens_are_stored(pair: Pair) -> None:
    services, sender = pair
    _, token = await created(sender)
    assert token.partition(".")[0].encode() not in services.database.path.read_bytes()
