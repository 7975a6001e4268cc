"""Recipients: a mailbox is proven by a code, in the browser that asked, and nothing is consumed by looking."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

import people_world as world
from builders import client, make_services, outbox, run_jobs
from kozutumi_app.services import Services


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return make_services(tmp_path)


async def delivered(services: Services) -> tuple[world.Browser, str, str]:
    sender = await world.administrator(services)
    transfer_id, link = await world.delivered(services, sender)
    return sender, transfer_id, link


async def verify(http: httpx.AsyncClient, link: str, code: str) -> tuple[int, str | None]:
    answer = await http.post(f"/api/v1/r/{link}/verify", json={"code": code})
    return answer.status_code, answer.json().get("code")


async def test_five_wrong_codes_end_a_code_and_each_is_recorded(services: Services) -> None:
    sender, transfer_id, link = await delivered(services)
    http = client(services)
    code = await world.ask_for_code(services, http, link)
    for _ in range(5):
        assert await verify(http, link, world.wrong(code)) == (403, "code_wrong")
    assert await verify(http, link, code) == (403, "code_exhausted")
    history = (await sender.get(f"/transfers/{transfer_id}/history")).json()["events"]
    assert [event["outcome"] for event in history].count("code_wrong") == 5
    world.move(services, seconds=60)
    fresh = await world.ask_for_code(services, http, link)
    assert await verify(http, link, code) == (403, "code_wrong")
    assert await verify(http, link, fresh) == (200, None)


async def test_a_code_ends_after_ten_minutes_and_works_once(services: Services) -> None:
    _, _, link = await delivered(services)
    http = client(services)
    code = await world.ask_for_code(services, http, link)
    world.move(services, minutes=10)
    assert await verify(http, link, code) == (403, "code_expired")
    code = await world.ask_for_code(services, http, link)
    spaced = f" {code[:4]} {code[4:]} "
    assert await verify(http, link, spaced) == (200, None)
    assert await verify(http, link, code) == (403, "code_expired")


async def test_a_code_is_useless_in_another_browser_and_costs_its_owner_no_attempt(services: Services) -> None:
    _, _, link = await delivered(services)
    owner, thief = client(services), client(services)
    code = await world.ask_for_code(services, owner, link)
    for _ in range(6):
        assert await verify(thief, link, code) == (403, "code_expired")
    assert await verify(owner, link, code) == (200, None)


async def test_codes_cannot_be_asked_for_without_end(services: Services) -> None:
    _, _, link = await delivered(services)
    http = client(services)
    await world.ask_for_code(services, http, link)
    refused = await http.post(f"/api/v1/r/{link}/code")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")
    for _ in range(4):
        world.move(services, seconds=61)
        await world.ask_for_code(services, http, link)
    world.move(services, seconds=61)
    assert (await http.post(f"/api/v1/r/{link}/code")).status_code == 429
    world.move(services, hours=1)
    await world.ask_for_code(services, http, link)


async def test_looking_consumes_and_mails_nothing(services: Services) -> None:
    _, _, link = await delivered(services)
    mails = len(outbox(services).mails)
    http = client(services)
    for method in ("GET", "HEAD", "GET"):
        for path in (f"/api/v1/r/{link}", f"/api/v1/r/{link}/code", f"/api/v1/r/{link}/verify"):
            await http.request(method, path)
    run_jobs(services)
    assert len(outbox(services).mails) == mails
    code = await world.ask_for_code(services, http, link)
    assert await verify(http, link, code) == (200, None)


async def test_a_proof_of_one_link_opens_no_other(services: Services) -> None:
    sender, _, first = await delivered(services)
    _, second = await world.delivered(services, sender)
    http = client(services)
    assert await verify(http, first, await world.ask_for_code(services, http, first)) == (200, None)
    assert (await http.get(f"/api/v1/r/{first}/files")).status_code == 200
    assert (await http.get(f"/api/v1/r/{second}/files")).status_code == 401
    forged = client(services)
    for name, value in http.cookies.items():
        forged.cookies.set(name.replace(first[:8], second[:8]), value)
    assert (await forged.get(f"/api/v1/r/{second}/files")).status_code == 401
    assert (await forged.get("/api/v1/r/unknown/files")).status_code == 404


async def test_mail_names_no_file_and_code_mail_has_no_link(services: Services) -> None:
    _, _, link = await delivered(services)
    await world.ask_for_code(services, client(services), link)
    delivery, code = outbox(services).mails[-2:]
    for mail in (delivery, code):
        assert "秘密" not in mail.subject + mail.text + mail.html
        assert "どうぞ" not in mail.text
    assert f"/r/{link}" in delivery.text
    assert "/r/" not in code.text


async def test_expiry_ends_everything(services: Services) -> None:
    sender, transfer_id, link = await delivered(services)
    http = client(services)
    await verify(http, link, await world.ask_for_code(services, http, link))
    world.move(services, days=7)
    assert (await http.get(f"/api/v1/r/{link}/files")).status_code == 410
    run_jobs(services)
    shown = (
        await sender.http.post("/api/v1/session", json={"email": world.ADMINISTRATOR, "password": world.PASSWORD})
    ).json()
    sender.csrf = shown["csrf"]
    assert (await sender.get(f"/transfers/{transfer_id}")).json()["state"] == "Expired"
    assert list(services.blobs.list("")) == []
