"""Receive requests over HTTP: a member asks, a guest without an account proves a mailbox and uploads, the member downloads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

import guest_world
import people_world as people
from builders import client, code, make_services, make_settings, outbox, run_jobs
from guest_world import GUEST, Guest
from kozutumi_app.adapters.database.schema import files, guest_sessions
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit

MEMBER = "member@acme.test"


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    made = make_services(tmp_path, settings=make_settings(segment_memory=10 * 2**20))
    yield made
    made.database.close()


@pytest.fixture
async def administrator(services: Services) -> people.Browser:
    return await people.administrator(services)


@pytest.fixture
async def member(services: Services, administrator: people.Browser) -> people.Browser:
    return await people.member(services, administrator, MEMBER)


def outcomes(services: Services, object_id: str, prefix: str = "") -> list[tuple[str, str]]:
    """Oldest first."""
    with services.database.read() as tx:
        events = audit.page(tx, services, object_id=object_id, type_prefix=prefix)
    return [(event.event.type, event.event.outcome) for event in reversed(events)]


async def test_a_guest_without_an_account_sends_files_and_only_the_member_reads_them(
    services: Services, member: people.Browser
) -> None:
    guest = await guest_world.guest(services, member)
    shown = (await guest.http.get(f"/api/v1/q/{guest.link}/asked")).json()
    assert (shown["subject"], shown["message"], shown["owner_email"]) == ("契約書", "お願いします", MEMBER)
    assert (shown["files_left"], shown["bytes_left"]) == (100, 2**20)
    await guest.begin()
    first = await guest.upload("見積書.pdf", b"first file")
    await guest.upload("二.txt", b"")
    assert (await guest.shown())["answers"] == []  # not before the guest sends it
    sent = await guest.send("ご確認ください")
    assert (sent.status_code, sent.json()["state"]) == (200, "AwaitingFiles")
    run_jobs(services)
    view = await guest.shown()
    (answer,) = view["answers"]
    assert (answer["state"], answer["note"]) == ("Delivered", "ご確認ください")
    assert [(file["name"], file["state"]) for file in answer["files"]] == [("見積書.pdf", "Clean"), ("二.txt", "Clean")]
    assert (view["state"], view["files_used"], view["bytes_used"]) == ("Closed", 2, 10)
    mail = outbox(services).last_to(MEMBER)
    assert GUEST in mail.text
    assert f"/requests/{guest.request_id}" in mail.text
    opened = await member.post(f"/requests/{guest.request_id}/files/{first}/download")
    assert opened.status_code == 201, opened.text
    assert (await member.http.get(opened.json()["url"])).content == b"first file"
    assert (await guest.http.get(f"/downloads/{first}")).status_code == 404
    types = [kind for kind, _ in outcomes(services, guest.request_id)]
    assert types == ["request.created", "mail.request", "guest.code_requested", "mail.request_code", "guest.proven"]
    told = [kind for kind, _ in outcomes(services, guest.transfer_id)]
    assert "request.answered" in told
    assert "transfer.delivered" in told
    assert "mail.received" in told
    assert [mail.to for mail in outbox(services).mails if "/r/" in mail.text] == []  # no link to the member's own grant


async def test_what_the_scanner_refuses_stays_shut_and_does_not_keep_the_rest_back(
    services: Services, member: people.Browser
) -> None:
    guest = await guest_world.guest(services, member)
    await guest.begin()
    bad = await guest.upload("bad.bin", b"INFECTED")
    good = await guest.upload("good.bin", b"good")
    await guest.send()
    run_jobs(services)
    (answer,) = (await guest.shown())["answers"]
    assert {file["id"]: file["state"] for file in answer["files"]} == {bad: "Infected", good: "Clean"}
    assert answer["state"] == "Delivered"
    refused = await member.post(f"/requests/{guest.request_id}/files/{bad}/download")
    assert refused.status_code == 404
    assert (await member.post(f"/requests/{guest.request_id}/files/{good}/download")).status_code == 201
    assert "1" in outbox(services).last_to(MEMBER).text


async def test_a_request_for_once_takes_one_answer_and_one_until_a_date_takes_many(
    services: Services, member: people.Browser
) -> None:
    once = await guest_world.guest(services, member)
    await once.begin()
    await once.upload("a", b"a")
    assert (await once.send()).status_code == 200
    assert (await once.http.post(f"/api/v1/q/{once.link}/uploads")).status_code == 410
    many = await guest_world.guest(services, member, once=False, email="many@partner.test", expires_in=3600)
    for count in range(1, 4):
        await many.begin()
        await many.upload("a", b"a")
        assert (await many.send()).status_code == 200
        run_jobs(services)
        assert len((await many.shown())["answers"]) == count
    people.move(services, hours=1, seconds=1)
    assert (await many.http.get(f"/api/v1/q/{many.link}/asked")).status_code == 410
    assert (await many.shown())["state"] == "Expired"


async def test_closing_ends_sessions_and_gives_back_what_was_not_sent(
    services: Services, member: people.Browser
) -> None:
    guest = await guest_world.guest(services, member, once=False)
    await guest.begin()
    await guest.upload("kept", b"kept")
    await guest.send()
    await guest.begin()
    lost = await guest.upload("lost", b"lost")
    assert (await member.post(f"/requests/{guest.request_id}/close")).json()["state"] == "Closed"
    run_jobs(services)
    assert (await guest.create("more", 1)).status_code in {401, 404, 409, 410}
    assert (await guest.send()).status_code == 410
    assert list(services.blobs.list(f"{lost}/")) == []
    with services.database.read() as tx:
        assert tx.execute(sa.select(guest_sessions)).all() == []
        left = tx.execute(sa.select(files.c.deleted_at).where(files.c.id == lost)).scalar_one()
    assert left is not None
    (answer,) = (await guest.shown())["answers"]
    assert [file["name"] for file in answer["files"]] == ["kept"]
    assert (await member.post(f"/requests/{guest.request_id}/extend", {"expires_in": 60})).status_code == 410


async def test_an_end_can_be_moved_also_after_it_came(services: Services, member: people.Browser) -> None:
    guest = await guest_world.guest(services, member, expires_in=3600)
    people.move(services, hours=2)
    assert (await guest.http.get(f"/api/v1/q/{guest.link}")).status_code == 410
    extended = await member.post(f"/requests/{guest.request_id}/extend", {"expires_in": 3600})
    assert extended.json()["state"] == "Open"
    mails = len(outbox(services).mails)
    run_jobs(services)
    assert len(outbox(services).mails) == mails + 1
    assert (await guest.http.get(f"/api/v1/q/{guest.link}")).status_code == 200


async def test_what_was_begun_in_time_may_be_finished_after_the_end(services: Services, member: people.Browser) -> None:
    guest = await guest_world.guest(services, member, expires_in=3600)
    await guest.begin()
    created = await guest.create("slow", 4)
    assert (await guest.append(created.headers["Location"], 0, b"ab")).status_code == 204
    people.move(services, hours=2)
    assert (await guest.append(created.headers["Location"], 2, b"cd")).status_code == 204
    assert (await guest.send()).status_code == 200
    run_jobs(services)
    assert len((await guest.shown())["answers"]) == 1


async def test_a_cut_upload_goes_on_by_the_same_path(services: Services, member: people.Browser) -> None:
    guest = await guest_world.guest(services, member, max_bytes=2**24)
    await guest.begin()
    content = bytes(range(256)) * 40_000
    created = await guest.create("large", len(content))
    url = created.headers["Location"]
    for cut in (1, 70_000, 8 * 2**20 + 1):
        head = await guest.tus("HEAD", url)
        start = int(head.headers["Upload-Offset"])
        assert (await guest.append(url, start, content[start:cut])).status_code == 204
    await guest.begin()  # the page was loaded again: another token for the same answer
    start = int((await guest.tus("HEAD", url)).headers["Upload-Offset"])
    assert start == 8 * 2**20 + 1
    assert (await guest.append(url, start, content[start:])).status_code == 204
    assert (await guest.send()).status_code == 200
    run_jobs(services)
    file_id = url.rsplit("/", 1)[1]
    opened = await member.post(f"/requests/{guest.request_id}/files/{file_id}/download")
    assert (await member.http.get(opened.json()["url"])).content == content


async def test_the_pages_lead_a_guest_and_a_member_through(services: Services, member: people.Browser) -> None:
    csrf = {"csrf": member.csrf}
    new = await member.http.get("/requests/new")
    assert new.status_code == 200, new.text
    form = {"email": GUEST, "subject": "件名", "once": "once", "expires_in": "86400", "max_files": "3"}
    form |= {"max_bytes": "5", "max_bytes_unit": "MiB", "types": "pdf, docx", "locale": "ja"}
    wrong = await member.http.post("/requests/new", data=csrf | form | {"max_files": "0"})
    assert (wrong.status_code, "件名" in wrong.text) == (422, True)
    made = await member.http.post("/requests/new", data=csrf | form)
    assert made.status_code == 303, made.text
    run_jobs(services)
    link = outbox(services).last_to(GUEST).text.partition("/q/")[2].split()[0]
    http = client(services)
    start = await http.get(f"/q/{link}")
    assert start.status_code == 200
    assert "件名" not in start.text
    unproven = await http.get(f"/q/{link}/files")
    assert (unproven.status_code, unproven.headers["Location"]) == (303, f"/q/{link}")
    assert (await http.post(f"/q/{link}/code")).headers["Location"] == f"/q/{link}/verify"
    assert (await http.get(f"/q/{link}/verify")).status_code == 200
    run_jobs(services)
    given = code(outbox(services).last_to(GUEST))
    proven = await http.post(f"/q/{link}/verify", data={"code": given})
    assert proven.headers["Location"] == f"/q/{link}/files"
    files_page = await http.get(f"/q/{link}/files")
    assert files_page.status_code == 200, files_page.text
    assert "件名" in files_page.text
    assert 'accept=".docx,.pdf"' in files_page.text
    guest = Guest(services, member, made.headers["Location"].rsplit("/", 1)[1], link, http)
    await guest.begin()
    file_id = await guest.upload("a.pdf", b"content")
    assert "a.pdf" in (await http.get(f"/q/{link}/files")).text
    await guest.send()
    assert (await http.get(f"/q/{link}/sent")).status_code == 200
    run_jobs(services)
    page = await member.http.get(f"/requests/{guest.request_id}")
    assert (page.status_code, "a.pdf" in page.text) == (200, True)
    download = await member.http.post(f"/requests/{guest.request_id}/files/{file_id}/download", data=csrf)
    assert download.headers["Location"] == f"/downloads/{file_id}"
    assert (await member.http.get(download.headers["Location"])).content == b"content"
    listed: httpx.Response = await member.http.get("/requests?lang=en")
    assert "Closed" in listed.text
