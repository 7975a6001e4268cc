"""Tokens for programs: shown once, kept as a hash, reaching as far as their scopes, ended in every way they can end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

import people_world as world
from builders import client, make_services, make_settings, run_jobs
from kozutumi_app.adapters.database.schema import api_tokens, audit_events, settings
from kozutumi_app.services import Services
from kozutumi_app.use_cases.settings_store import UNKNOWN_TOKENS


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return make_services(tmp_path)


def program(services: Services, token: str) -> httpx.AsyncClient:
    http = client(services)
    http.headers["Authorization"] = f"Bearer {token}"
    return http


def refusal(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["code"]


async def issued(person: world.Browser, *scopes: str, **changes: Any) -> dict[str, Any]:
    answer = await person.post("/tokens", {"name": "夜間バッチ", "scopes": list(scopes), **changes})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def service_token(admin: world.Browser, *scopes: str) -> tuple[str, dict[str, Any]]:
    account = (await admin.post("/service-accounts", {"name": "会計システム", "contact": "it@acme.test"})).json()["id"]
    answer = await admin.post(f"/service-accounts/{account}/tokens", {"name": "t", "scopes": list(scopes)})
    assert answer.status_code == 201, answer.text
    return account, answer.json()


def events(services: Services, type: str) -> list[tuple[str, str]]:
    query = sa.select(audit_events.c.actor_id, audit_events.c.outcome).where(audit_events.c.type == type)
    with services.database.read() as tx:
        return [(row.actor_id, row.outcome) for row in tx.execute(query)]


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


async def test_a_token_acts_as_its_person_without_csrf_and_within_its_scopes(services: Services) -> None:
    admin = await world.administrator(services)
    person = await world.member(services, admin, "hanako@acme.test")
    token = (await issued(person, "transfers:write"))["token"]
    assert token.startswith("kzp_")
    http = program(services, token)
    body = {"recipients": [{"email": world.RECIPIENT}], "subject": "資料"}
    made = await http.post("/api/v1/transfers", json=body)
    assert made.status_code == 201, made.text
    assert (await http.get(f"/api/v1/transfers/{made.json()['id']}")).status_code == 200
    assert (await person.get(f"/transfers/{made.json()['id']}")).json()["subject"] == "資料"
    assert refusal(await http.get("/api/v1/audit")) == (403, "scope_missing")
    assert refusal(await http.get("/api/v1/tokens")) == (403, "scope_missing")
    assert refusal(await http.post("/api/v1/tokens", json={"name": "x", "scopes": ["admin"]})) == (403, "scope_missing")
    assert refusal(await http.delete("/api/v1/session")) == (403, "scope_missing")
    assert (await http.get("/transfers")).status_code == 403
    assert events(services, "token.refused") == [(person.user["id"], "scope_missing")]  # once an hour, not each time


async def test_a_read_token_writes_nothing(services: Services) -> None:
    admin = await world.administrator(services)
    http = program(services, (await issued(admin, "transfers:read"))["token"])
    body = {"recipients": [{"email": world.RECIPIENT}]}
    assert refusal(await http.post("/api/v1/transfers", json=body)) == (403, "scope_missing")
    upload = await http.post("/files/", headers={"Tus-Resumable": "1.0.0", "Upload-Length": "1"})
    assert refusal(upload) == (403, "scope_missing")


async def test_the_token_is_shown_once_and_stored_nowhere(services: Services, tmp_path: Path) -> None:
    admin = await world.administrator(services)
    made = await issued(admin, "transfers:read")
    [listed] = (await admin.get("/tokens")).json()["tokens"]
    assert listed["name"] == "夜間バッチ"
    assert listed["last_used_at"] is None
    assert made["token"] not in str(listed)
    with services.database.write() as tx:
        tx.exec_driver_sql("SELECT 1")
    stored = on_disk(tmp_path)
    assert made["token"].encode() not in stored
    assert "夜間バッチ".encode() not in stored
    await program(services, made["token"]).get("/api/v1/session")
    [used] = (await admin.get("/tokens")).json()["tokens"]
    assert used["last_used_at"] is not None


async def test_it_ends_by_time_revocation_and_disabling(services: Services) -> None:
    admin = await world.administrator(services)
    person = await world.member(services, admin, "hanako@acme.test")
    short, revoked, kept = [await issued(person, "transfers:read", expires_in_days=days) for days in (1, 30, 300)]
    tokens = [program(services, made["token"]) for made in (short, revoked, kept)]
    assert [(await http.get("/api/v1/session")).status_code for http in tokens] == [200, 200, 200]
    world.move(services, days=1)
    await reopened(admin, person)
    answer = await person.http.delete(f"/api/v1/tokens/{revoked['id']}", headers={"X-CSRF-Token": person.csrf})
    assert answer.status_code == 204
    assert refusal(await tokens[0].get("/api/v1/session")) == (401, "token_invalid")
    assert refusal(await tokens[1].get("/api/v1/session")) == (401, "token_invalid")
    assert (await tokens[2].get("/api/v1/session")).status_code == 200
    assert (await admin.post(f"/members/{person.user['id']}/disable")).status_code == 204
    assert refusal(await tokens[2].get("/api/v1/session")) == (401, "token_invalid")
    assert {outcome for _, outcome in events(services, "token.refused")} == {"token_invalid"}


async def reopened(*people: world.Browser) -> None:
    """Sessions idle for a day have ended: sign in again."""
    for person in people:
        body = {"email": person.user["email"], "password": world.PASSWORD}
        person.csrf = (await person.http.post("/api/v1/session", json=body)).json()["csrf"]


async def test_a_strange_token_is_turned_away_and_only_counted(services: Services) -> None:
    await world.administrator(services)
    for header in ("Bearer kzp_" + "A" * 43, "Bearer ", "Basic YTpi", "Bearer é"):
        http = client(services)
        answer = await http.get("/api/v1/session", headers=[(b"Authorization", header.encode())])
        assert refusal(answer) == (401, "token_invalid")
    with services.database.read() as tx:
        counted = tx.execute(sa.select(settings.c.value).where(settings.c.key == UNKNOWN_TOKENS)).scalar_one()
    assert counted == "3"
    assert events(services, "token.refused") == []


async def test_a_member_gives_no_token_more_than_they_have(services: Services) -> None:
    admin = await world.administrator(services)
    person = await world.member(services, admin, "hanako@acme.test")
    for scope in ("admin", "audit:read"):
        answer = await person.post("/tokens", {"name": "x", "scopes": [scope]})
        assert refusal(answer) == (403, "not_allowed")
    assert refusal(await person.post("/service-accounts", {"name": "x"})) == (403, "not_allowed")
    wrong: tuple[dict[str, object], ...] = (
        {"scopes": []},
        {"scopes": ["all"]},
        {"scopes": ["admin"], "expires_in_days": 367},
        {"name": "a\nb"},
    )
    for changed in wrong:
        body = {"name": "x", "scopes": ["transfers:read"], **changed}
        assert refusal(await admin.post("/tokens", body)) == (422, "invalid_input")


async def test_a_service_account_is_no_person(services: Services) -> None:
    admin = await world.administrator(services)
    account, made = await service_token(admin, "transfers:write", "audit:read")
    assert made["token"].startswith("kzs_")
    http = program(services, made["token"])
    shown = (await http.get("/api/v1/session")).json()["user"]
    assert (shown["id"], shown["name"], shown["email"]) == (account, "会計システム", "it@acme.test")
    sent = await http.post("/api/v1/transfers", json={"recipients": [{"email": world.RECIPIENT}]})
    assert sent.status_code == 201
    assert ("transfer.created", account) in {
        (event["type"], event["actor_id"]) for event in (await http.get("/api/v1/audit")).json()["events"]
    }
    assert refusal(await http.get("/api/v1/members")) == (403, "scope_missing")
    assert account not in {each["id"] for each in (await admin.get("/members")).json()["members"]}
    assert refusal(await admin.post(f"/members/{account}/disable")) == (404, "not_found")
    run_jobs(services)
    assert (
        await client(services).post("/api/v1/session", json={"email": "it@acme.test", "password": "x"})
    ).status_code == 401


async def test_an_administrator_lists_ends_and_disables_service_tokens(services: Services) -> None:
    admin = await world.administrator(services)
    account, made = await service_token(admin, "admin")
    http = program(services, made["token"])
    assert (await http.get("/api/v1/members")).status_code == 200
    [listed] = (await http.get("/api/v1/service-accounts")).json()["service_accounts"]
    assert [token["id"] for token in listed["tokens"]] == [made["id"]]
    assert refusal(await http.post("/api/v1/service-accounts", json={"name": "x"})) == (403, "scope_missing")
    assert (await admin.post(f"/service-accounts/{account}/disable")).status_code == 204
    assert refusal(await http.get("/api/v1/members")) == (401, "token_invalid")
    assert refusal(await admin.post(f"/service-accounts/{account}/tokens", {"name": "t", "scopes": ["admin"]})) == (
        404,
        "not_found",
    )
    assert (await admin.post(f"/service-accounts/{account}/enable")).status_code == 204
    assert (await http.get("/api/v1/members")).status_code == 200
    url = f"/api/v1/service-accounts/{account}/tokens/{made['id']}"
    assert (await admin.http.delete(url, headers={"X-CSRF-Token": admin.csrf})).status_code == 204
    assert refusal(await http.get("/api/v1/members")) == (401, "token_invalid")
    with services.database.read() as tx:
        assert tx.execute(sa.select(api_tokens.c.revoked_at)).scalar_one() is not None
    kinds = ("service_account.created", "token.issued", "service_account.disabled", "token.revoked")
    assert all(events(services, kind) == [(admin.user["id"], "ok")] for kind in kinds)


async def test_a_service_account_counts_neither_as_a_user_nor_against_their_number(tmp_path: Path) -> None:
    services = make_services(tmp_path, settings=make_settings(quota_users=2))
    admin = await world.administrator(services)
    await service_token(admin, "transfers:read")
    assert await users_told(services) == 1
    person = await world.member(services, admin, "hanako@acme.test")
    assert await users_told(services) == 2
    assert refusal(await admin.post("/members", {"email": "taro@acme.test"})) == (409, "user_quota_exceeded")
    assert (await admin.post(f"/members/{person.user['id']}/disable")).status_code == 204
    assert await users_told(services) == 1


async def users_told(services: Services) -> int:
    """What the operator reads of the organization."""
    status = await client(services, "internal").get("/internal/v1/status")
    assert status.status_code == 200, status.text
    return int(status.json()["usage"]["users"])
