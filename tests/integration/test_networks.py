"""A member's networks hold for every request: of their session, of their tokens, of a service account's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

import people_world as people
import policy_world as world
from builders import make_services
from kozutumi_app.adapters.database.schema import audit_events
from kozutumi_app.application import create_application
from kozutumi_app.services import Services
from kozutumi_app.web.security import SESSION_COOKIE

INSIDE = "10.1.2.3"
OUTSIDE = "192.0.2.7"
NETWORKS = ["10.1.0.0/16"]


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return make_services(tmp_path)


def at(services: Services, address: str, *, token: str = "", cookie: str = "") -> httpx.AsyncClient:
    """A client whose connection comes from this address."""
    transport = httpx.ASGITransport(create_application(services, "public"), client=(address, 5000))
    http = httpx.AsyncClient(transport=transport, base_url=services.settings.public_url)
    if token:
        http.headers["Authorization"] = f"Bearer {token}"
    if cookie:
        http.cookies.set(SESSION_COOKIE, cookie)
    return http


async def session(services: Services) -> str:
    """The cookie of a member who signed in from inside."""
    http = at(services, INSIDE)
    answer = await http.post("/api/v1/session", json={"email": "sender@acme.test", "password": people.PASSWORD})
    assert answer.status_code == 200, answer.text
    return http.cookies[SESSION_COOKIE]


def refusals(services: Services, type: str) -> list[tuple[str, str]]:
    query = sa.select(audit_events.c.actor_id, audit_events.c.outcome).where(audit_events.c.type == type)
    with services.database.read() as tx:
        return [(row.actor_id, row.outcome) for row in tx.execute(query)]


async def issued(person: people.Browser, path: str = "/tokens") -> str:
    answer = await person.post(path, {"name": "夜間", "scopes": ["transfers:write"]})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])


def told(answer: httpx.Response) -> dict[str, Any]:
    """What a stranger reads of a refusal, but for the request's own number."""
    assert answer.headers["content-type"] == "application/problem+json"
    ignored = {"instance", "request_id"}
    return {"status": answer.status_code} | {k: v for k, v in answer.json().items() if k not in ignored}


async def test_a_token_from_elsewhere_is_answered_as_one_that_never_was(services: Services) -> None:
    made = await world.company(services)
    token = await issued(made.sender)
    await world.state(made.admin, f"members/{made.sender.user['id']}", networks=NETWORKS)
    draft = {"recipients": [{"email": people.RECIPIENT}]}
    inside, outside = at(services, INSIDE, token=token), at(services, OUTSIDE, token=token)
    assert (await inside.get("/api/v1/session")).status_code == 200
    unknown = at(services, OUTSIDE, token="kzp_" + "A" * 43)
    for method, path, body in (("GET", "/session", None), ("POST", "/transfers", draft), ("GET", "/audit", None)):
        refused = await outside.request(method, f"/api/v1{path}", json=body)
        assert told(refused) == told(await unknown.request(method, f"/api/v1{path}", json=body))
        assert (refused.status_code, refused.json()["code"]) == (401, "token_invalid")
    creation = {"Tus-Resumable": "1.0.0", "Upload-Length": "1"}
    assert told(await outside.post("/files/", headers=creation))["code"] == "token_invalid"
    assert refusals(services, "token.refused") == [(made.sender.user["id"], "network_not_allowed")]  # once an hour
    assert (await inside.post("/api/v1/transfers", json=draft)).status_code == 201
    people.move(services, hours=1)
    assert (await outside.get("/api/v1/session")).status_code == 401
    assert len(refusals(services, "token.refused")) == 2


async def test_a_service_account_has_the_organization_s_networks_or_its_own(services: Services) -> None:
    admin = await people.administrator(services)
    account = (await admin.post("/service-accounts", {"name": "会計", "contact": "it@acme.test"})).json()["id"]
    token = await issued(admin, f"/service-accounts/{account}/tokens")
    await world.state(admin, networks=["127.0.0.0/8"])
    http = at(services, OUTSIDE, token=token)
    assert (await http.get("/api/v1/session")).status_code == 401
    assert refusals(services, "token.refused") == [(account, "network_not_allowed")]
    await world.state(admin, f"members/{account}", networks=["192.0.2.0/24"])
    assert (await http.get("/api/v1/session")).status_code == 200
    assert (await at(services, INSIDE, token=token).get("/api/v1/session")).status_code == 401


async def test_a_session_carried_elsewhere_opens_nothing_there_and_goes_on_at_home(services: Services) -> None:
    made = await world.company(services)
    await world.state(made.admin, f"members/{made.sender.user['id']}", networks=NETWORKS)
    cookie = await session(services)
    outside = at(services, OUTSIDE, cookie=cookie)
    refused = await outside.get("/api/v1/transfers")
    assert (refused.status_code, told(refused)["code"]) == (403, "network_not_allowed")
    page = await outside.get("/transfers")
    assert (page.status_code, "/sign-in" in str(page.url)) == (403, False)
    assert refusals(services, "session.refused") == [(made.sender.user["id"], "network_not_allowed")]
    assert (await outside.get("/sign-in")).status_code == 200  # what anybody may see
    assert (await at(services, INSIDE, cookie=cookie).get("/api/v1/transfers")).status_code == 200


async def test_who_joins_a_group_with_networks_is_bound_at_once(services: Services) -> None:
    made = await world.company(services)
    group = await world.group(made.admin, "経理")
    await world.state(made.admin, f"groups/{group}", networks=NETWORKS)
    assert (await made.sender.get("/transfers")).status_code == 200
    await world.set_members(made.admin, group, made.sender)
    assert (await made.sender.get("/transfers")).json()["code"] == "network_not_allowed"


async def test_a_recipient_s_page_is_bound_to_no_network_of_the_reader_s_session(services: Services) -> None:
    made = await world.company(services)
    _, link = await people.delivered(services, made.sender)
    await world.state(made.admin, f"members/{made.sender.user['id']}", networks=NETWORKS)
    outside = at(services, OUTSIDE, cookie=await session(services))
    assert (await outside.get(f"/r/{link}")).status_code == 200
