"""A folder arrives as it was sent, and who is removed reads nothing more: not with an open download, not when added again."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import people_world as people
import upload_world as world
from builders import link_id, make_services, outbox, run_jobs
from kozutumi_app.services import Services
from upload_world import Sender

SENT = {
    "資料/2026/見積.txt": "資料/2026/見積.txt",
    "資料\\メモ.txt": "資料/メモ.txt",
    "../../資料/CON": "資料/_CON",
    "ひとつ.txt": "ひとつ.txt",
}


async def upload(sender: Sender, path: str, content: bytes) -> str:
    name = path.replace("\\", "/").rpartition("/")[2]
    metadata = sender.metadata(name, path=path)
    created = await sender.request("POST", "/files/", Upload_Length=str(len(content)), Upload_Metadata=metadata)
    assert created.status_code == 201, created.text
    assert (await sender.append(created.headers["Location"], 0, content)).status_code == 204
    return world.file_id(created.headers["Location"])


async def test_a_folder_keeps_its_structure_and_cannot_leave_the_transfer(tmp_path: Path) -> None:
    services, sender = await world.world(tmp_path)
    for path in SENT:
        await upload(sender, path, path.encode())
    assert [file["path"] for file in (await sender.shown())["files"]] == list(SENT.values())
    await sender.send()
    run_jobs(services)
    http, link = await world.recipient(services)
    seen = (await http.get(f"/api/v1/r/{link}/files")).json()["files"]
    assert [file["path"] for file in seen] == list(SENT.values())
    opened = await http.post(f"/api/v1/r/{link}/archive")
    archive = zipfile.ZipFile(io.BytesIO((await http.get(opened.json()["url"])).content))
    assert {name: archive.read(name).decode() for name in archive.namelist()} == {v: k for k, v in SENT.items()}


async def test_a_path_that_no_system_could_unpack_is_refused_before_the_upload(tmp_path: Path) -> None:
    _, sender = await world.world(tmp_path)
    metadata = sender.metadata("b", path="a/" * 40 + "b")
    answer = await sender.request("POST", "/files/", Upload_Length="1", Upload_Metadata=metadata)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


async def removed_and_added(services: Services, sender: Sender) -> None:
    shown = await sender.shown()
    page = f"/api/v1/transfers/{shown['id']}/recipients"
    first = next(to for to in shown["recipients"] if to["email"] == people.RECIPIENT)
    headers = {"X-CSRF-Token": sender.browser.csrf}
    gone = await sender.browser.http.delete(f"{page}/{first['recipient_id']}", headers=headers)
    assert gone.status_code == 204, gone.text
    added = await sender.browser.http.post(page, json={"email": people.RECIPIENT, "locale": "ja"}, headers=headers)
    assert added.status_code == 201, added.text
    run_jobs(services)


async def test_an_open_download_ends_with_the_grant_and_counts_when_added_again(tmp_path: Path) -> None:
    to = [{"email": people.RECIPIENT, "locale": "ja"}, {"email": "b@outside.test", "locale": "ja"}]
    services = make_services(tmp_path)
    sender = await world.sender(services, recipients=to, max_downloads=1)
    file_id = await world.delivered(services, sender, b"content")
    http, link = await world.recipient(services)
    url = (await world.open_download(http, link, file_id)).json()["url"]
    assert (await http.get(url, headers={"Range": "bytes=0-2"})).content == b"con"
    await removed_and_added(services, sender)
    ended = await http.get(url, headers={"Range": "bytes=3-6"})
    assert ended.status_code in {404, 410}
    assert (await http.get(f"/api/v1/r/{link}/files")).status_code == 404
    fresh = link_id(outbox(services).last_to(people.RECIPIENT))
    assert fresh != link
    people.move(services, seconds=61)  # between two codes for one mailbox
    http, link = await world.recipient(services)
    assert link == fresh
    assert (await world.open_download(http, link, file_id)).json()["code"] == "downloads_exhausted"
