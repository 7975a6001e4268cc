"""Links are opened by the proof that sender and organization ask for, by a POST, and by nothing weaker."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

import people_world as world
from builders import client, make_services, make_settings, outbox, run_jobs
from kozutumi_app.adapters.database.schema import audit_events, recipient_sessions
from kozutumi_app.services import Services

TOLD = "松竹梅 told on the telephone"
WAYS: dict[str, Any] = {"code": None, "verify": {"code": "0"}, "password": {"password": "x"}, "open": None}


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return make_services(tmp_path, settings=make_settings(recipient_authentication="Link"))


def outcomes(services: Services, type: str) -> list[str]:
    with services.database.read() as tx:
        query = sa.select(audit_events.c.outcome).where(audit_events.c.type == type)
        return list(tx.execute(query.order_by(audit_events.c.sequence)).scalars())


def content_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def attempt(http: httpx.AsyncClient, link: str, way: str, body: Any = None) -> httpx.Response:
    return await http.post(f"/api/v1/r/{link}/{way}", json=body)


async def sees_files(http: httpx.AsyncClient, link: str) -> bool:
    return (await http.get(f"/api/v1/r/{link}/files")).status_code == 200


@pytest.mark.parametrize(
    ("proof", "ways"),
    [("Link", {"open"}), ("EmailCode", {"code", "verify"}), ("Password", {"password"})],
)
async def test_a_link_is_opened_only_in_the_way_that_is_asked_for(
    services: Services, proof: str, ways: set[str]
) -> None:
    sender = await world.administrator(services)
    _, link = await world.delivered(services, sender, authentication=proof)
    http = client(services)
    assert (await http.get(f"/api/v1/r/{link}")).json()["authentication"] == proof
    for way, body in WAYS.items():
        refused = (await attempt(http, link, way, body)).json().get("code") == "other_proof_needed"
        assert refused is (way not in ways), way


async def test_looking_at_a_link_opens_nothing_in_any_way(services: Services) -> None:
    sender = await world.administrator(services)
    links = [(await world.delivered(services, sender, authentication=way))[1] for way in ("Link", "Password")]
    for link in links:
        http = client(services)
        for path in ("", "/open", "/password", "/account", "/code", "/verify", "/files"):
            for prefix in ("/api/v1", ""):
                for method in ("GET", "HEAD"):
                    await http.request(method, f"{prefix}/r/{link}{path}", headers={"Accept": "text/html"})
        assert not await sees_files(http, link)
    with services.database.read() as tx:
        assert tx.execute(sa.select(recipient_sessions)).all() == []


async def test_a_link_that_is_enough_is_opened_by_a_post_of_this_site(services: Services) -> None:
    sender = await world.administrator(services)
    _, link = await world.delivered(services, sender, authentication="Link")
    http = client(services)
    foreign = await http.post(f"/api/v1/r/{link}/open", headers={"Origin": "https://evil.test"})
    assert foreign.status_code == 403
    assert not await sees_files(http, link)
    assert (await attempt(http, link, "open")).status_code == 200
    assert await sees_files(http, link)


async def test_a_drawn_password_is_shown_once_and_stored_by_nobody(services: Services, tmp_path: Path) -> None:
    sender = await world.administrator(services)
    body = {"recipients": [{"email": world.RECIPIENT}], "authentication": "Password"}
    created = (await sender.post("/transfers", body)).json()
    password = created["password"]
    assert len(password) == 19
    assert "password" not in (await sender.get(f"/transfers/{created['id']}")).json()
    world.add_file(services, created["id"])
    await sender.post(f"/transfers/{created['id']}/send")
    run_jobs(services)
    mail = outbox(services).last_to(world.RECIPIENT)
    assert password not in mail.text + mail.html
    assert password.encode() not in content_of(tmp_path)
    http, link = client(services), mail.text.split("/r/")[1].split()[0]
    assert (await attempt(http, link, "password", {"password": f" {password}\n"})).status_code == 200
    assert await sees_files(http, link)


async def test_wrong_passwords_are_recorded_and_lock_the_link_for_a_while(services: Services) -> None:
    sender = await world.administrator(services)
    _, link = await world.delivered(services, sender, authentication="Password", password=TOLD)
    http = client(services)
    for _ in range(5):
        assert (await attempt(http, link, "password", {"password": "wrong"})).json()["code"] == "password_wrong"
    locked = await attempt(http, link, "password", {"password": TOLD})
    assert (locked.status_code, locked.headers["Retry-After"]) == (429, "30")
    world.move(services, seconds=30)
    assert (await attempt(http, link, "password", {"password": TOLD})).status_code == 200
    assert outcomes(services, "recipient.password_refused") == ["password_wrong"] * 5
    assert outcomes(services, "recipient.proven") == ["ok"]


async def test_a_new_password_ends_what_the_old_one_opened(services: Services) -> None:
    sender = await world.administrator(services)
    transfer_id, link = await world.delivered(services, sender, authentication="Password", password=TOLD)
    http = client(services)
    await attempt(http, link, "password", {"password": TOLD})
    assert await sees_files(http, link)
    drawn = (await sender.post(f"/transfers/{transfer_id}/password", {})).json()["password"]
    assert not await sees_files(http, link)
    assert (await attempt(http, link, "password", {"password": TOLD})).json()["code"] == "password_wrong"
    assert (await attempt(http, link, "password", {"password": drawn})).status_code == 200
    weak = await sender.post(f"/transfers/{transfer_id}/password", {"password": "password1234"})
    assert weak.json()["code"] == "weak_password"


async def test_an_account_opens_only_its_own_link_and_only_while_signed_in(services: Services) -> None:
    admin = await world.administrator(services)
    member = await world.member(services, admin, "member@acme.test")
    other = await world.member(services, admin, "other@acme.test")
    to = [{"email": "Member@acme.test"}]
    transfer_id = await world.draft(admin, recipients=to, authentication="Account")
    world.add_file(services, transfer_id)
    await admin.post(f"/transfers/{transfer_id}/send")
    run_jobs(services)
    link = outbox(services).last_to("Member@acme.test").text.split("/r/")[1].split()[0]
    assert (await attempt(client(services), link, "account")).status_code == 401
    assert (await attempt(member.http, link, "account")).json()["code"] == "csrf_failed"
    assert (await other.post(f"/r/{link}/account")).json()["code"] == "not_the_recipient"
    assert not await sees_files(other.http, link)
    assert (await member.post(f"/r/{link}/account")).status_code == 200
    assert await sees_files(member.http, link)
    await member.http.delete("/api/v1/session", headers={"X-CSRF-Token": member.csrf})
    assert not await sees_files(member.http, link)
    assert outcomes(services, "recipient.account_refused") == ["not_the_recipient"]


async def to_account(services: Services, admin: world.Browser, email: str) -> str:
    """Link of a delivered transfer that only the account with this address opens."""
    transfer_id = await world.draft(admin, recipients=[{"email": email}], authentication="Account")
    world.add_file(services, transfer_id)
    await admin.post(f"/transfers/{transfer_id}/send")
    run_jobs(services)
    return outbox(services).last_to(email).text.split("/r/")[1].split()[0]


async def token_of(services: Services, person: world.Browser, path: str, scope: str) -> tuple[httpx.AsyncClient, str]:
    made = (await person.post(path, {"name": "夜間", "scopes": [scope]})).json()
    http = client(services)
    http.headers["Authorization"] = f"Bearer {made['token']}"
    return http, made["id"]


async def test_a_personal_token_shows_its_account_until_it_ends(services: Services) -> None:
    admin = await world.administrator(services)
    member = await world.member(services, admin, "member@acme.test")
    other = await world.member(services, admin, "other@acme.test")
    link = await to_account(services, admin, "member@acme.test")
    http, token_id = await token_of(services, member, "/tokens", "transfers:read")
    stranger, _ = await token_of(services, other, "/tokens", "transfers:read")
    narrow, _ = await token_of(services, member, "/tokens", "requests:read")
    assert (await attempt(stranger, link, "account")).json()["code"] == "not_the_recipient"
    assert (await attempt(narrow, link, "account")).json()["code"] == "scope_missing"
    assert not await sees_files(http, link)
    assert (await attempt(http, link, "account")).status_code == 200
    assert await sees_files(http, link)
    await member.http.delete(f"/api/v1/tokens/{token_id}", headers={"X-CSRF-Token": member.csrf})
    assert not await sees_files(http, link)


async def test_a_service_account_does_not_open_what_was_sent_to_its_contact(services: Services) -> None:
    admin = await world.administrator(services)
    await world.member(services, admin, "member@acme.test")
    link = await to_account(services, admin, "member@acme.test")
    account = (await admin.post("/service-accounts", {"name": "x", "contact": "member@acme.test"})).json()["id"]
    http, _ = await token_of(services, admin, f"/service-accounts/{account}/tokens", "transfers:read")
    assert (await attempt(http, link, "account")).json()["code"] == "not_the_recipient"
    assert outcomes(services, "recipient.account_refused") == ["not_the_recipient"]


@pytest.mark.parametrize(("sent", "floor"), [("Link", "EmailCode"), ("EmailCode", "Password"), ("Link", "Account")])
async def test_a_floor_that_is_raised_later_holds_for_what_was_sent_before(
    services: Services, sent: str, floor: str
) -> None:
    sender = await world.administrator(services)
    _, link = await world.delivered(services, sender, authentication=sent)
    http = client(services)
    if sent == "Link":
        await attempt(http, link, "open")
    else:
        code = await world.ask_for_code(services, http, link)
        await attempt(http, link, "verify", {"code": code})
    assert await sees_files(http, link)
    strict = replace(services, settings=make_settings(recipient_authentication=floor))
    now = client(strict)
    now.cookies = http.cookies
    assert (await now.get(f"/api/v1/r/{link}")).json()["authentication"] == floor
    assert not await sees_files(now, link)
    assert (await attempt(now, link, "open")).json()["code"] == "other_proof_needed"


async def test_the_organizations_setting_is_the_default(tmp_path: Path) -> None:
    services = make_services(tmp_path, settings=make_settings(recipient_authentication="Password"))
    sender = await world.administrator(services)
    created = (await sender.post("/transfers", {"recipients": [{"email": world.RECIPIENT}]})).json()
    assert (created["authentication"], created["has_password"]) == ("Password", True)
    limits = (await sender.get("/limits")).json()
    assert limits["authentications"] == ["Password", "Account"]
