"""Each refusal of somebody known is in the log once, in a transaction of its own; reading and strangers leave none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import people_world as people
from builders import client, make_services
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit
from people_world import Browser


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path)
    yield made
    made.database.close()


def refusals(services: Services) -> list[tuple[str, str, str, str]]:
    """Type, actor, object and outcome of what was not done."""
    with services.database.read() as tx:
        events = [each.event for each in audit.page(tx, services)]
    return [(each.type, each.actor_id, each.object_id, each.outcome) for each in events if each.outcome != "ok"]


async def test_a_member_s_refusals_are_told_with_who_what_and_why(services: Services) -> None:
    admin = await people.administrator(services)
    member = await people.member(services, admin, "hanako@acme.test")
    me = member.user["id"]
    foreign = await people.draft(admin)
    own = await people.draft(member)
    assert (await member.post(f"/transfers/{foreign}/recall")).status_code == 404
    assert (await member.post(f"/transfers/{own}/send")).status_code == 409
    assert (await member.post("/members", {"email": "x@acme.test"})).status_code == 403
    assert (await admin.post(f"/members/{admin.user['id']}/disable")).status_code == 409
    assert refusals(services) == [
        ("request.refused", admin.user["id"], admin.user["id"], "last_administrator"),
        ("request.refused", me, "-", "not_allowed"),
        ("transfer.refused", me, own, "not_deliverable"),
        ("transfer.refused", me, foreign, "not_found"),
    ]


async def test_what_a_use_case_tells_itself_is_not_told_again(services: Services) -> None:
    await people.administrator(services)
    stranger = Browser(client(services))
    body = {"email": people.ADMINISTRATOR, "password": "wrong wrong wrong"}
    assert (await stranger.post("/session", body)).status_code == 401
    assert [kind for kind, *_ in refusals(services)] == ["session.refused"]


async def test_reading_typing_mistakes_and_strangers_leave_none(services: Services) -> None:
    admin = await people.administrator(services)
    await admin.get("/transfers/nothing")
    await admin.post("/members", {"email": "no address"})
    await Browser(client(services)).post("/transfers/abc/recall")
    assert refusals(services) == []


async def test_a_page_s_form_is_told_too(services: Services) -> None:
    admin = await people.administrator(services)
    form = {"csrf": admin.csrf, "decision": "confirm", "change": "0f" * 16}
    answer = await admin.http.post("/changes", data=form)
    assert answer.status_code == 404
    assert [(kind, outcome) for kind, *_, outcome in refusals(services)] == [("request.refused", "not_found")]


async def test_one_member_cannot_fill_the_disk(services: Services) -> None:
    admin = await people.administrator(services)
    for _ in range(70):
        await admin.post("/transfers/nothing/recall")
    assert len(refusals(services)) == 60
