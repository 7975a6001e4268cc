"""Bad input and strangers: each gets a typed answer, and loses or learns nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy import event

import people_world as world
from builders import ADMINISTRATOR, PASSWORD, PUBLIC_URL, client, make_services, make_settings, outbox, run_jobs
from kozutumi_app.adapters.database.schema import audit_events, sessions, users
from kozutumi_app.services import Services
from kozutumi_app.use_cases import recipients
from kozutumi_app.web.security import SESSION_COOKIE
from kozutumi_contract.secret import Secret


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return make_services(tmp_path)


async def sign_in(services: Services, email: str, password: str) -> httpx.Response:
    async with client(services) as http:
        return await http.post("/api/v1/session", json={"email": email, "password": password})


def refusal(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["code"]


def events(services: Services, type: str) -> int:
    query = sa.select(sa.func.count()).select_from(audit_events).where(audit_events.c.type == type)
    with services.database.read() as tx:
        return tx.execute(query).scalar_one()


async def test_known_and_unknown_addresses_are_answered_alike(services: Services) -> None:
    await world.administrator(services)
    known, unknown = [], []
    for _ in range(6):
        known.append(await sign_in(services, ADMINISTRATOR, "wrong password 1"))
        unknown.append(await sign_in(services, "nobody@acme.test", "wrong password 1"))
    assert [one.text for one in known] == [one.text for one in unknown]
    assert [one.status_code for one in known] == [401] * 5 + [429]
    assert int(known[-1].headers["Retry-After"]) == 30
    assert events(services, "session.refused") == 5


async def test_a_lock_ends_grows_and_outlives_a_restart(services: Services) -> None:
    await world.administrator(services)
    for _ in range(5):
        await sign_in(services, ADMINISTRATOR, "wrong password 1")
    locked = await sign_in(services, ADMINISTRATOR, PASSWORD)
    assert refusal(locked) == (429, "rate_limited")
    services.failures.succeeded(next(iter(services.failures._failures)))  # what a restart forgets
    assert (await sign_in(services, ADMINISTRATOR, PASSWORD)).status_code == 429
    world.move(services, seconds=31)
    assert (await sign_in(services, ADMINISTRATOR, "wrong password 1")).status_code == 401
    world.move(services, seconds=31)
    assert (await sign_in(services, ADMINISTRATOR, PASSWORD)).status_code == 429
    world.move(services, seconds=30)
    assert (await sign_in(services, ADMINISTRATOR, PASSWORD)).status_code == 200


async def test_an_invitation_works_once_and_for_72_hours(services: Services) -> None:
    admin = await world.administrator(services)
    for address in ("one@acme.test", "two@acme.test"):
        await admin.post("/members", {"email": address})
    run_jobs(services)
    first, second = (world.invitation_token(outbox(services).last_to(f"{n}@acme.test")) for n in ("one", "two"))
    http = client(services)
    body = {"name": "会員", "password": PASSWORD}
    assert (await http.post(f"/api/v1/invitations/{first}/accept", json=body)).status_code == 200
    assert refusal(await http.post(f"/api/v1/invitations/{first}/accept", json=body)) == (410, "invitation_expired")
    world.move(services, hours=72)
    assert refusal(await http.post(f"/api/v1/invitations/{second}/accept", json=body)) == (410, "invitation_expired")
    assert refusal(await http.post("/api/v1/invitations/guess/accept", json=body)) == (410, "invitation_expired")


async def test_a_weak_password_costs_nothing(services: Services) -> None:
    admin = await world.administrator(services)
    await admin.post("/members", {"email": "hanako@acme.test"})
    run_jobs(services)
    token = world.invitation_token(outbox(services).last_to("hanako@acme.test"))
    http = client(services)
    for password in ("short", "password1234", "hanako-hanako-hanako", "aaaaaaaaaaaaaa"):
        answer = await http.post(f"/api/v1/invitations/{token}/accept", json={"name": "花子", "password": password})
        assert refusal(answer) == (422, "weak_password")
        assert password not in answer.text
    answer = await http.post(f"/api/v1/invitations/{token}/accept", json={"name": "花子", "password": PASSWORD})
    assert answer.status_code == 200


async def test_a_members_transfer_does_not_exist_for_anyone_else(services: Services) -> None:
    admin = await world.administrator(services)
    sender = await world.member(services, admin, "sender@acme.test")
    other = await world.member(services, admin, "other@acme.test")
    transfer_id, _ = await world.delivered(services, sender)
    nowhere = "a" * 26
    for stranger in (other, admin):
        for method, suffix in (
            ("get", ""),
            ("get", "/history"),
            ("post", "/send"),
            ("post", "/recall"),
            ("post", "/cancel"),
        ):
            real = await getattr(stranger, method)(f"/transfers/{transfer_id}{suffix}")
            none = await getattr(stranger, method)(f"/transfers/{nowhere}{suffix}")
            assert refusal(real) == (404, "not_found")
            assert real.text == none.text
        assert (await stranger.get("/transfers")).json()["transfers"] == []
    assert refusal(await sender.get("/members")) == (403, "not_allowed")
    assert refusal(await sender.get("/audit")) == (403, "not_allowed")
    assert refusal(await sender.post("/members", {"email": "x@acme.test"})) == (403, "not_allowed")


async def test_a_session_is_worth_nothing_elsewhere_or_altered(services: Services, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    elsewhere = make_services(tmp_path / "other")
    admin = await world.administrator(services)
    await world.administrator(elsewhere)
    cookie = admin.http.cookies[SESSION_COOKIE]
    token, _, mac = cookie.partition(".")
    with services.database.read() as tx:
        copied = [dict(row._mapping) for row in tx.execute(sa.select(sessions))]
    with elsewhere.database.write() as tx:
        user_id = tx.execute(sa.select(users.c.id)).scalar_one()
        tx.execute(sa.delete(sessions))
        tx.execute(sa.insert(sessions).values([row | {"user_id": user_id} for row in copied]))
    foreign = replace_key(elsewhere)
    for target, value in ((foreign, cookie), (services, f"{token}.{mac[:-1]}0x"), (services, token), (services, "")):
        http = client(target)
        http.cookies.set(SESSION_COOKIE, value)
        assert refusal(await http.get("/api/v1/session")) == (401, "not_signed_in")


def replace_key(services: Services) -> Services:
    return replace(services, session_key=Secret(b"another organization's session k"))


async def test_sessions_end_by_sign_out_idleness_age_and_disabling(services: Services) -> None:
    admin = await world.administrator(services)
    one = await world.member(services, admin, "one@acme.test")
    two = await world.member(services, admin, "two@acme.test")
    cookie = one.http.cookies[SESSION_COOKIE]
    assert (await one.http.delete("/api/v1/session", headers={"X-CSRF-Token": one.csrf})).status_code == 204
    one.http.cookies.set(SESSION_COOKIE, cookie)
    assert (await one.get("/session")).status_code == 401
    assert (await admin.post(f"/members/{two.user['id']}/disable")).status_code == 204
    assert (await two.get("/session")).status_code == 401
    assert refusal(await sign_in(services, "two@acme.test", PASSWORD)) == (401, "wrong_password")
    assert refusal(await admin.post(f"/members/{admin.user['id']}/disable")) == (409, "last_administrator")
    world.move(services, hours=11)
    assert (await admin.get("/session")).status_code == 200
    world.move(services, hours=12)
    assert (await admin.get("/session")).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-CSRF-Token": "0" * 64},
        {"X-CSRF-Token": "right", "Origin": "https://evil.test"},
        {"X-CSRF-Token": "right", "Origin": "null"},
        {"X-CSRF-Token": "right", "Sec-Fetch-Site": "cross-site"},
        {"X-CSRF-Token": "right", "Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_forged_request_changes_nothing(services: Services, headers: dict[str, str]) -> None:
    admin = await world.administrator(services)
    sent = {name: admin.csrf if value == "right" else value for name, value in headers.items()}
    answer = await admin.http.post("/api/v1/members", json={"email": "x@acme.test"}, headers=sent)
    assert refusal(answer) == (403, "csrf_failed")
    assert len((await admin.get("/members")).json()["members"]) == 1


async def test_only_the_right_host_and_small_bodies_are_answered(services: Services) -> None:
    http = client(services)
    assert refusal(await http.get("/api/v1/session", headers={"Host": "evil.test"})) == (421, "misdirected")
    assert refusal(await http.post("/api/v1/session", content=b"x" * 70_000)) == (413, "body_too_large")
    answer = await http.get("/api/v1/session", headers={"Origin": PUBLIC_URL})
    assert answer.headers["Strict-Transport-Security"]
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    for path in ("/docs", "/openapi.json", "/internal/v1/status", "/metrics", "/api/v1/nothing"):
        assert (await http.get(path)).status_code == 404


async def test_invalid_input_names_the_field_and_not_its_content(services: Services) -> None:
    admin = await world.administrator(services)
    answer = await admin.post("/transfers", {"recipients": "secret-value", "subject": 3, "extra": 1})
    assert refusal(answer) == (422, "invalid_input")
    assert "recipients" in answer.json()["detail"]
    assert "secret-value" not in answer.text
    invalid: tuple[dict[str, object], ...] = (
        {"recipients": []},
        {"recipients": [{"email": "not an address"}]},
        {"recipients": [{"email": world.RECIPIENT}], "expires_in": 31 * 86400},
        {"recipients": [{"email": world.RECIPIENT}], "max_downloads": 0},
        {"recipients": [{"email": world.RECIPIENT}], "subject": "two\nlines"},
    )
    for body in invalid:
        assert refusal(await admin.post("/transfers", body)) == (422, "invalid_input")


async def test_recipient_domains_are_limited(tmp_path: Path) -> None:
    settings = make_settings(allowed_domains=("good.test", "bad.good.test"), blocked_domains=("bad.good.test",))
    services = make_services(tmp_path, settings=settings)
    admin = await world.administrator(services)
    for address in ("a@other.test", "a@bad.good.test", "a@deep.bad.good.test", "a@notgood.test"):
        assert refusal(await admin.post("/transfers", {"recipients": [{"email": address}]})) == (
            422,
            "recipient_refused",
        )
    for address in ("a@GOOD.test", "a@sub.good.test"):
        assert (await admin.post("/transfers", {"recipients": [{"email": address}]})).status_code == 201


async def test_user_quota(tmp_path: Path) -> None:
    services = make_services(tmp_path, settings=make_settings(quota_users=2))
    admin = await world.administrator(services)
    assert (await admin.post("/members", {"email": "a@acme.test"})).status_code == 201
    assert (await admin.post("/members", {"email": "a@acme.test"})).status_code == 201
    assert refusal(await admin.post("/members", {"email": "b@acme.test"})) == (409, "user_quota_exceeded")


async def test_bootstrap_is_idempotent_and_closed_by_the_first_administrator(services: Services) -> None:
    http = client(services, "internal")

    async def invited() -> int:
        answer = await http.post("/internal/v1/administrators", json={"emails": [ADMINISTRATOR, ADMINISTRATOR.upper()]})
        return int(answer.json()["invited"])

    assert await invited() == 1
    assert await invited() == 0
    run_jobs(services)
    assert await invited() == 0
    assert len(outbox(services).mails) == 1
    world.move(services, hours=1, seconds=1)
    assert await invited() == 1
    await world.administrator(services)
    world.move(services, hours=2)
    assert await invited() == 0


async def test_a_defect_is_answered_without_saying_what_it_met(
    services: Services, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret-value")

    monkeypatch.setattr(recipients, "look_up", broken)
    answer = await client(services).get("/api/v1/r/some-link")
    assert refusal(answer) == (500, "internal")
    assert answer.headers["Strict-Transport-Security"]
    output = capsys.readouterr()
    assert "RuntimeError" in output.out
    assert "secret-value" not in answer.text + output.out + output.err
    assert "some-link" not in output.out + output.err


async def test_a_locked_database_is_said_and_loses_nothing(services: Services) -> None:
    admin = await world.administrator(services)
    with services.database.write() as tx:
        tx.exec_driver_sql("SELECT 1")
        services.database.engine.pool.dispose()
        event.listen(services.database.engine, "connect", lambda raw, _: raw.execute("PRAGMA busy_timeout=50"))
        refused = await admin.post("/members", {"email": "a@acme.test"})
    assert refusal(refused) == (503, "database_unavailable")
    assert (await admin.post("/members", {"email": "a@acme.test"})).status_code == 201
