"""Who stands in for an approver, and for how long."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

import people_world as people
import policy_world as world
from builders import client, make_services
from kozutumi_app.services import Services
from policy_world import Company


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return make_services(tmp_path)


async def substitute(made: Company, browser: people.Browser, days: int = 1, **changes: str) -> int:
    now = made.services.clock.now()
    body = {
        "substitute_id": made.other.user["id"],
        "begins_at": now.isoformat(),
        "ends_at": (now + timedelta(days=days)).isoformat(),
        **changes,
    }
    return (await browser.post("/substitutes", body)).status_code


async def test_a_substitute_decides_in_the_approver_s_place_while_the_time_lasts(services: Services) -> None:
    made = await world.company(services)
    await world.state(made.admin, approval="Always", approvers=[world.user(made.boss)])
    assert await substitute(made, made.boss) == 201
    first, second = await world.sent(made), await world.sent(made)
    lines = await world.waiting(made.other)
    assert [line["stands_in_for"] for line in lines] == ["会員 花子", "会員 花子"]
    await world.decide(made.other, lines[0]["request_id"])
    assert await world.state_of(made, first) == "Delivered"
    (request,) = (await made.sender.get(f"/transfers/{first}/approvals")).json()["requests"]
    assert request["votes"][0]["stood_in_for"] == "会員 花子"
    people.move(services, days=1)
    made.other = await people.signed_in(services, await signed_in_anew(services, "other@acme.test"))
    assert await world.waiting(made.other) == []
    answer = await world.decide(made.other, lines[1]["request_id"])
    assert answer.status_code == 404
    made.sender = await people.signed_in(services, await signed_in_anew(services, "sender@acme.test"))
    assert await world.state_of(made, second) == "AwaitingApproval"


async def signed_in_anew(services: Services, email: str) -> str:
    http = client(services)
    await http.post("/api/v1/session", json={"email": email, "password": people.PASSWORD})
    return str(http.cookies["__Host-session"])


async def test_who_may_name_a_substitute(services: Services) -> None:
    made = await world.company(services)
    boss = made.boss.user["id"]
    assert await substitute(made, made.sender, user_id=boss) == 403
    assert await substitute(made, made.admin, user_id=boss) == 201
    assert await substitute(made, made.boss, substitute_id=boss) == 422
    assert await substitute(made, made.boss, days=-1) == 422
    assert await substitute(made, made.boss, days=400) == 422
    assert await substitute(made, made.boss, substitute_id="nobody") == 404
    (named,) = (await made.boss.get("/substitutes")).json()["substitutes"]
    assert (await made.sender.get("/substitutes")).json()["substitutes"] == []
    path = f"/api/v1/substitutes/{named['id']}"
    assert (await made.sender.http.delete(path, headers={"X-CSRF-Token": made.sender.csrf})).status_code == 404
    assert (await made.boss.http.delete(path, headers={"X-CSRF-Token": made.boss.csrf})).status_code == 204


async def test_the_sender_s_own_substitute_has_no_voice_in_the_sender_s_name(services: Services) -> None:
    made = await world.company(services)
    await world.state(made.admin, approval="Always", approvers=[world.user(made.sender), world.user(made.boss)])
    await substitute(made, made.sender)
    await world.sent(made)
    assert await world.waiting(made.other) == []
    assert len(await world.waiting(made.boss)) == 1
