"""The operator asks on port 9443, administrators answer in the API, and everything is in the audit log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

import people_world as people
from builders import client, make_services
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit

CHANGE = {"id": "a1" * 16, "kind": "spec.administrators", "summary": "admin@acme.test → provider@kozutumi.test"}


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return make_services(tmp_path)


@pytest.fixture
def operator(services: Services) -> httpx.AsyncClient:
    return client(services, "internal")


async def tell(operator: httpx.AsyncClient, **changes: Any) -> str:
    answer = await operator.post("/internal/v1/changes", json=CHANGE | changes)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["state"])


async def listed(browser: people.Browser) -> dict[str, Any]:
    return {change["id"]: change for change in (await browser.get("/changes")).json()["changes"]}


def events(services: Services) -> list[str]:
    with services.database.read() as tx:
        return [one.event.type for one in audit.page(tx, services, type_prefix="change.")][::-1]


async def test_a_change_waits_until_an_administrator_confirms_it(
    services: Services, operator: httpx.AsyncClient
) -> None:
    admin = await people.administrator(services)
    assert await tell(operator) == "pending"
    assert await tell(operator) == "pending"
    status = (await operator.get("/internal/v1/status")).json()
    assert (status["pending_confirmations"], status["changes"]) == (1, {CHANGE["id"]: "pending"})
    assert (await listed(admin))[CHANGE["id"]]["summary"] == CHANGE["summary"]
    answer = await admin.post(f"/changes/{CHANGE['id']}/confirm")
    assert answer.json() == {"id": CHANGE["id"], "state": "confirmed"}
    assert await tell(operator) == "confirmed"
    assert (await operator.get("/internal/v1/status")).json()["pending_confirmations"] == 0
    assert events(services) == ["change.requested", "change.confirmed"]


async def test_a_refused_change_stays_refused_until_an_administrator_thinks_again(
    services: Services, operator: httpx.AsyncClient
) -> None:
    admin = await people.administrator(services)
    await tell(operator)
    assert (await admin.post(f"/changes/{CHANGE['id']}/refuse")).json()["state"] == "refused"
    assert await tell(operator) == "refused"
    assert (await admin.post(f"/changes/{CHANGE['id']}/confirm")).json()["state"] == "confirmed"
    again = await admin.post(f"/changes/{CHANGE['id']}/refuse")
    assert (again.status_code, again.json()["code"]) == (409, "change_closed")
    assert events(services) == ["change.requested", "change.refused", "change.confirmed"]


async def test_a_field_has_one_open_change_and_what_the_manifest_takes_back_is_withdrawn(
    services: Services, operator: httpx.AsyncClient
) -> None:
    admin = await people.administrator(services)
    newer = {"id": "b2" * 16, "summary": "admin@acme.test → other@kozutumi.test"}
    await tell(operator)
    await tell(operator, **newer)
    assert {key: one["state"] for key, one in (await listed(admin)).items()} == {
        CHANGE["id"]: "withdrawn",
        newer["id"]: "pending",
    }
    assert await tell(operator, **newer, outcome="withdrawn") == "withdrawn"
    closed = await admin.post(f"/changes/{newer['id']}/confirm")
    assert closed.status_code == 409
    assert await tell(operator, **newer) == "pending"


async def test_what_a_grant_let_through_is_in_the_log_with_its_name(
    services: Services, operator: httpx.AsyncClient
) -> None:
    await people.administrator(services)
    assert await tell(operator, outcome="granted", by="incident-7") == "granted"
    assert await tell(operator, outcome="granted", by="incident-7") == "granted"
    with services.database.read() as tx:
        (event,) = audit.page(tx, services, type_prefix="change.")
    assert (event.event.type, event.event.actor_id) == ("change.granted", "operator")
    assert event.details == {"change": CHANGE["id"], "grant": "incident-7"}


async def test_no_grant_goes_over_a_refusal(services: Services, operator: httpx.AsyncClient) -> None:
    admin = await people.administrator(services)
    await tell(operator)
    await admin.post(f"/changes/{CHANGE['id']}/refuse")
    assert await tell(operator, outcome="granted", by="incident-7") == "refused"
    assert await tell(operator, outcome="withdrawn") == "refused"
    assert events(services) == ["change.requested", "change.refused"]


async def test_members_and_strangers_neither_see_nor_decide(services: Services, operator: httpx.AsyncClient) -> None:
    admin = await people.administrator(services)
    member = await people.member(services, admin, "member@acme.test")
    await tell(operator)
    for verb in ("confirm", "refuse"):
        assert (await member.post(f"/changes/{CHANGE['id']}/{verb}")).status_code == 403
        assert (await client(services).post(f"/api/v1/changes/{CHANGE['id']}/{verb}")).status_code == 401
    assert (await member.get("/changes")).status_code == 403
    assert (await admin.post("/changes/nothing/confirm")).status_code == 404


async def test_the_summary_is_sealed_in_the_database(services: Services, operator: httpx.AsyncClient) -> None:
    await tell(operator)
    services.database.close()
    stored = b"".join(file.read_bytes() for file in services.database.path.parent.glob("kozutumi.db*"))
    assert b"provider@kozutumi.test" not in stored


async def test_an_act_of_the_operator_is_stored_once_for_each_key(
    services: Services, operator: httpx.AsyncClient
) -> None:
    act = {"type": "grant.opened", "object_id": "incident-7", "details": {"subject": "sre@kozutumi.test"}, "key": "g7"}
    first = await operator.post("/internal/v1/audit", json=act)
    assert first.status_code == 201
    assert (await operator.post("/internal/v1/audit", json=act)).json() == first.json()
    assert (await operator.post("/internal/v1/audit", json=act | {"type": "Grant"})).status_code == 422
    with services.database.read() as tx:
        (event,) = audit.page(tx, services, type_prefix="grant.")
        assert audit.verify(tx) is None
    assert (event.event.actor_id, event.details) == ("operator", {"subject": "sre@kozutumi.test"})


async def test_administrators_decide_on_a_page_in_their_language(
    services: Services, operator: httpx.AsyncClient
) -> None:
    admin = await people.administrator(services)
    await tell(operator)
    page = await admin.http.get("/changes", headers={"Accept-Language": "ja"})
    assert page.status_code == 200
    assert "最初の管理者" in page.text
    assert "provider@kozutumi.test" in page.text
    form = {"change": CHANGE["id"], "decision": "confirm"}
    assert (await admin.http.post("/changes", data=form)).status_code == 403
    answer = await admin.http.post("/changes", data=form | {"csrf": admin.csrf})
    assert answer.status_code == 303
    assert await tell(operator) == "confirmed"
    closed = await admin.http.post("/changes", data=form | {"csrf": admin.csrf, "decision": "refuse"})
    assert (closed.status_code, "decided before" in closed.text or "決定済み" in closed.text) == (409, True)


async def test_members_have_no_such_page(services: Services) -> None:
    admin = await people.administrator(services)
    member = await people.member(services, admin, "member@acme.test")
    assert (await member.http.get("/changes")).status_code == 403
    form = {"change": CHANGE["id"], "decision": "confirm", "csrf": member.csrf}
    assert (await member.http.post("/changes", data=form)).status_code == 403
