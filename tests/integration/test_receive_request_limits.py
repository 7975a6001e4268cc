"""What a guest may send and see, whom a member may ask, and that strangers cause nothing to be stored."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import guest_world
import people_world as people
from builders import client, code, make_services, make_settings, outbox, run_jobs
from guest_world import GUEST
from kozutumi_app.adapters.database.schema import audit_events, files, guest_sessions, receive_requests, transfers
from kozutumi_app.services import Services

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


@pytest.mark.parametrize(
    ("changes", "name", "size", "status", "refusal"),
    [
        ({"max_files": 1}, "b.pdf", 1, 413, "request_limit"),
        ({"max_bytes": 10}, "b.pdf", 10, 413, "request_limit"),
        ({"max_bytes": 11}, "b.pdf", 10, 201, None),
        ({"types": [".PDF", "docx"]}, "b.exe", 1, 422, "type_refused"),
        ({"types": ["pdf", "docx"]}, "b", 1, 422, "type_refused"),
        ({"types": ["pdf", "docx"]}, "b.DOCX", 1, 201, None),
    ],
)
async def test_limits_hold_before_a_byte_is_taken(
    services: Services,
    member: people.Browser,
    changes: dict[str, Any],
    name: str,
    size: int,
    status: int,
    refusal: str | None,
) -> None:
    guest = await guest_world.guest(services, member, **changes)
    await guest.begin()
    await guest.upload("a.pdf", b"a")
    created = await guest.create(name, size)
    assert created.status_code == status, created.text
    assert refusal is None or created.json()["code"] == refusal


async def test_quota_is_the_organizations(tmp_path: Path) -> None:
    services = make_services(tmp_path, settings=make_settings(quota_storage=100))
    member = await people.member(services, await people.administrator(services), MEMBER)
    guest = await guest_world.guest(services, member, max_bytes=100)
    transfer = await people.draft(member)
    people.add_file(services, transfer, size=60)
    await guest.begin()
    assert (await guest.create("a", 41)).json()["code"] == "quota_exceeded"
    assert (await guest.create("a", 40)).status_code == 201
    too_much = await member.post("/requests", guest_world.terms(max_bytes=101))
    assert too_much.status_code == 422
    services.database.close()


async def test_policy_holds_for_whom_a_member_may_ask(tmp_path: Path) -> None:
    services = make_services(tmp_path, settings=make_settings(blocked_domains=("partner.test",)))
    member = await people.member(services, await people.administrator(services), MEMBER)
    refused = await member.post("/requests", guest_world.terms())
    assert (refused.status_code, refused.json()["code"]) == (422, "recipient_refused")
    assert (await member.post("/requests", guest_world.terms(expires_in=10**9))).status_code == 422
    with services.database.read() as tx:
        assert tx.execute(sa.select(receive_requests)).all() == []
    services.database.close()


async def test_a_guest_sees_only_the_own_request_and_a_member_only_own_ones(
    services: Services, member: people.Browser, administrator: people.Browser
) -> None:
    one = await guest_world.guest(services, member)
    two = await guest_world.guest(services, member, email="two@partner.test")
    for path in ("asked", "uploads", "send"):
        method = "GET" if path == "asked" else "POST"
        json = {"note": ""} if path == "send" else None
        answer = await one.http.request(method, f"/api/v1/q/{two.link}/{path}", json=json)
        assert (answer.status_code, answer.json()["code"]) == (401, "guest_not_proven")
    await one.begin()
    await two.begin()
    own, one.transfer_id = one.transfer_id, two.transfer_id
    assert (await one.create("a", 1)).status_code in {401, 403, 404}
    one.transfer_id = own
    file_id = await two.upload("a", b"a")
    assert (await one.tus("HEAD", f"/files/{file_id}")).status_code in {401, 403, 404}
    other = await people.member(services, administrator, "other@acme.test")
    for stranger in (other, administrator):
        assert (await stranger.get(f"/requests/{one.request_id}")).status_code == 404
        for act in ("close", "remind"):
            assert (await stranger.post(f"/requests/{one.request_id}/{act}")).status_code == 404
        assert (await stranger.post(f"/requests/{one.request_id}/extend", {"expires_in": 60})).status_code == 404
        assert (await stranger.get("/requests")).json()["requests"] == []
    assert (await member.get(f"/transfers/{own}")).status_code in {200, 404}
    assert [view["id"] for view in (await member.get("/requests")).json()["requests"]] == [
        two.request_id,
        one.request_id,
    ]


async def test_a_code_works_once_in_the_browser_that_asked_for_it(services: Services, member: people.Browser) -> None:
    _, link = await guest_world.asked(services, member)
    http, thief = client(services), client(services)
    assert (await http.post(f"/api/v1/q/{link}/code")).status_code == 202
    assert (await http.post(f"/api/v1/q/{link}/code")).status_code == 429
    run_jobs(services)
    right = code(outbox(services).last_to(GUEST))
    assert (await thief.post(f"/api/v1/q/{link}/verify", json={"code": right})).json()["code"] == "code_expired"
    wrong = await http.post(f"/api/v1/q/{link}/verify", json={"code": people.wrong(right)})
    assert wrong.json()["code"] == "code_wrong"
    assert (await http.post(f"/api/v1/q/{link}/verify", json={"code": right})).status_code == 200
    assert (await http.post(f"/api/v1/q/{link}/verify", json={"code": right})).json()["code"] == "code_expired"


async def test_who_has_proven_nothing_stores_nothing(services: Services, member: people.Browser) -> None:
    _, link = await guest_world.asked(services, member)
    before = _counts(services)
    stranger = client(services)
    for path in (link, "a" * 26):
        for method, place, json in (
            ("GET", "", None),
            ("GET", "/asked", None),
            ("POST", "/uploads", None),
            ("POST", "/send", {"note": "x" * 2000}),
            ("POST", "/verify", {"code": "12345678"}),
        ):
            answer = await stranger.request(method, f"/api/v1/q/{path}{place}", json=json)
            assert answer.status_code in {200, 401, 403, 404}, answer.text
    upload = await stranger.post(
        "/files/", headers={"Tus-Resumable": "1.0.0", "Upload-Length": "9", "Upload-Token": "made.up"}
    )
    assert upload.status_code in {400, 401, 403}
    assert _counts(services) == before


def _counts(services: Services) -> dict[str, int]:
    tables = (files, guest_sessions, transfers, audit_events, receive_requests)
    with services.database.read() as tx:
        return {table.name: tx.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() for table in tables}


async def test_a_disabled_members_requests_take_nothing(
    services: Services, member: people.Browser, administrator: people.Browser
) -> None:
    guest = await guest_world.guest(services, member)
    await guest.begin()
    await administrator.post(f"/members/{member.user['id']}/disable")
    assert (await guest.http.get(f"/api/v1/q/{guest.link}/asked")).status_code == 410
    assert (await guest.create("a", 1)).status_code in {401, 403}
