"""What members may send and from where they sign in, by the policy in force for each."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

import people_world as people
import policy_world as world
import upload_world as uploads
from builders import client, clock_of, make_services, make_settings, run_jobs
from kozutumi_app.application import create_application
from kozutumi_app.services import Services
from people_world import Browser


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return make_services(tmp_path)


async def created(browser: Browser, **changes: Any) -> tuple[int, str | None]:
    body = {"recipients": [{"email": people.RECIPIENT}], "subject": "資料", **changes}
    answer = await browser.post("/transfers", body)
    return answer.status_code, answer.json().get("code")


async def in_force(browser: Browser) -> dict[str, Any]:
    found: dict[str, Any] = (await browser.get("/policy")).json()
    return found


async def test_the_most_specific_level_wins_within_the_ceilings(services: Services) -> None:
    made = await world.company(services)
    await world.state(made.admin, max_downloads=5, max_expiry=3600)
    team = await world.group(made.admin, "営業", made.sender)
    other_team = await world.group(made.admin, "海外営業", made.sender, made.boss)
    await world.state(made.admin, f"groups/{team}", max_downloads=8)
    await world.state(made.admin, f"groups/{other_team}", max_downloads=7)
    for browser, expected, origin in (
        (made.sender, 7, "group"),
        (made.boss, 7, "group"),
        (made.other, 5, "organization"),
    ):
        found = await in_force(browser)
        assert (found["max_downloads"], found["origins"]["max_downloads"]) == (expected, origin)
    await world.state(made.admin, f"members/{made.sender.user['id']}", max_downloads=9)
    assert (await in_force(made.sender))["max_downloads"] == 9
    await world.state(made.admin, "ceiling", max_downloads=6)
    found = await in_force(made.sender)
    assert (found["max_downloads"], found["origins"]["max_downloads"], found["max_expiry"]) == (6, "ceiling", 3600)
    limits = (await made.sender.get("/limits")).json()
    assert (limits["max_downloads"], limits["max_expiry"], limits["default_expiry"]) == (6, 3600, 3600)
    assert await created(made.sender, max_downloads=7) == (422, "invalid_input")
    assert await created(made.sender, max_downloads=6, expires_in=3601) == (422, "invalid_input")
    assert (await created(made.sender, max_downloads=6, expires_in=3600))[0] == 201
    await made.admin.http.delete(f"/api/v1/groups/{team}", headers={"X-CSRF-Token": made.admin.csrf})
    assert [group["name"] for group in (await made.admin.get("/groups")).json()["groups"]] == ["海外営業"]


async def test_the_manifest_is_a_ceiling_too(tmp_path: Path) -> None:
    settings = make_settings(allowed_domains=("outside.test", "partner.test"), max_downloads=3)
    services = make_services(tmp_path, settings=settings)
    made = await world.company(services)
    await world.state(made.admin, allowed_domains=["partner.test", "elsewhere.test"], max_downloads=10)
    assert (await in_force(made.sender))["max_downloads"] == 3
    for address, expected in (
        ("a@partner.test", (201, None)),
        ("a@sub.partner.test", (201, None)),
        ("a@elsewhere.test", (422, "recipient_refused")),
        ("a@outside.test", (422, "recipient_refused")),
        ("a@notpartner.test", (422, "recipient_refused")),
    ):
        assert await created(made.sender, recipients=[{"email": address}]) == expected, address


async def test_who_may_not_send_outside_sends_inside_only(services: Services) -> None:
    made = await world.company(services)
    await world.state(made.admin, internal_domains=["acme.example"])
    await world.state(made.admin, f"members/{made.sender.user['id']}", may_send_outside=False)
    assert await created(made.sender) == (422, "recipient_refused")
    assert (await created(made.boss))[0] == 201
    for address in ("boss@acme.test", "anyone@acme.example"):
        assert (await created(made.sender, recipients=[{"email": address}]))[0] == 201
    assert await created(made.sender, recipients=[{"email": "nobody@acme.test"}]) == (422, "recipient_refused")


async def test_a_draft_is_judged_again_when_it_is_sent(services: Services) -> None:
    made = await world.company(services)
    transfer_id = await people.draft(made.sender)
    people.add_file(services, transfer_id)
    await world.state(made.admin, blocked_domains=["outside.test"])
    answer = await made.sender.post(f"/transfers/{transfer_id}/send")
    assert (answer.status_code, answer.json()["code"]) == (422, "recipient_refused")
    assert await world.state_of(made, transfer_id) == "Draft"


async def upload(services: Services, sender: uploads.Sender, name: str, content: bytes) -> httpx.Response:
    metadata = sender.metadata(name)
    answer = await sender.create(len(content), Upload_Metadata=metadata)
    if answer.status_code == 201:
        await sender.append(answer.headers["Location"], 0, content)
        run_jobs(services)
    return answer


async def test_types_are_refused_by_name_before_the_upload_and_by_content_with_the_verdict(services: Services) -> None:
    sender = await uploads.sender(services)
    await world.state(sender.administrator, blocked_types=[".exe"], max_file_size=1000)
    refused = await upload(services, sender, "setup.EXE", b"MZ" + bytes(100))
    assert (refused.status_code, refused.json()["code"]) == (422, "type_refused")
    large = await upload(services, sender, "a.txt", bytes(1001))
    assert (large.status_code, large.json()["code"]) == (413, "upload_too_large")
    assert (await upload(services, sender, "report.pdf", b"MZ" + bytes(100))).status_code == 201
    (file,) = (await sender.shown())["files"]
    assert file["state"] == "Refused"
    answer = await sender.browser.post(f"/transfers/{sender.transfer_id}/send")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_deliverable")


async def test_a_month_s_allowance_is_counted_and_begins_anew(tmp_path: Path) -> None:
    services = make_services(tmp_path, settings=make_settings(monthly_transfer=1000))
    sender = await uploads.sender(services)
    assert (await sender.browser.get("/limits")).json()["monthly_transfer_left"] == 1000
    assert (await upload(services, sender, "a.txt", bytes(600))).status_code == 201
    assert (await sender.browser.get("/limits")).json()["monthly_transfer_left"] == 400
    refused = await upload(services, sender, "b.txt", bytes(401))
    assert (refused.status_code, refused.json()["code"]) == (413, "transfer_allowance_used")
    second = await people.draft(sender.browser)
    first, sender.transfer_id = sender.transfer_id, second
    assert (await upload(services, sender, "b.txt", bytes(400))).status_code == 201
    assert (await sender.browser.post(f"/transfers/{second}/cancel")).status_code == 204  # given up: counts no more
    assert (await sender.browser.get("/limits")).json()["monthly_transfer_left"] == 400
    await sender.browser.post(f"/transfers/{first}/send")
    run_jobs(services)
    await sender.browser.post(f"/transfers/{first}/recall")  # what was delivered has been sent
    assert (await sender.browser.get("/limits")).json()["monthly_transfer_left"] == 400
    clock_of(services).advance(seconds=(timedelta(days=27)).total_seconds())
    again = await people.signed_in(services, await cookie(services, "member@acme.test"))
    assert (await again.get("/limits")).json()["monthly_transfer_left"] == 1000


async def cookie(services: Services, email: str) -> str:
    http = client(services)
    await http.post("/api/v1/session", json={"email": email, "password": people.PASSWORD})
    return str(http.cookies["__Host-session"])


def at(services: Services, address: str) -> httpx.AsyncClient:
    """A browser whose connection comes from this address."""
    transport = httpx.ASGITransport(create_application(services, "public"), client=(address, 5000))
    return httpx.AsyncClient(transport=transport, base_url=services.settings.public_url)


async def sign_in(services: Services, address: str, email: str) -> tuple[int, str | None]:
    answer = await at(services, address).post("/api/v1/session", json={"email": email, "password": people.PASSWORD})
    return answer.status_code, answer.json().get("code")


async def test_members_sign_in_only_from_their_networks(services: Services) -> None:
    made = await world.company(services)
    await world.state(made.admin, f"members/{made.sender.user['id']}", networks=["10.1.0.0/16"])
    assert (await made.sender.get("/session")).status_code == 401  # signs in anew, from where it is allowed
    assert (await made.boss.get("/session")).status_code == 200
    assert await sign_in(services, "10.1.2.3", "sender@acme.test") == (200, None)
    assert await sign_in(services, "10.2.2.3", "sender@acme.test") == (403, "network_not_allowed")
    assert await sign_in(services, "10.2.2.3", "boss@acme.test") == (200, None)
    wrong = await at(services, "10.2.2.3").post("/api/v1/session", json={"email": "sender@acme.test", "password": "no"})
    assert wrong.json()["code"] == "wrong_password"  # only who knows the password learns of the network
    assert "session.refused" in await world.audit_types(made, made.sender.user["id"])


async def test_an_administrator_cannot_lock_out_the_one_who_is_writing(services: Services) -> None:
    made = await world.company(services)
    answer = await world.put(made.admin, "/policies/organization", {"networks": ["192.0.2.0/24"]})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert (await made.admin.get("/policies/organization")).json()["networks"] is None


async def test_who_may_state_policies_and_that_it_is_recorded(services: Services) -> None:
    made = await world.company(services)
    for path in ("/policies/organization", "/policies/ceiling", f"/policies/members/{made.boss.user['id']}", "/groups"):
        assert (await made.sender.get(path)).status_code == 403
    assert (await world.put(made.sender, "/policies/organization", {})).status_code == 403
    assert (await made.sender.post("/groups", {"name": "x"})).status_code == 403
    for document in ({"max_downloads": 0}, {"approvers": ["user:nobody"]}, {"unheard_of": 1}, {"networks": ["x"]}):
        assert (await world.put(made.admin, "/policies/organization", document)).status_code == 422, document
    assert (await world.put(made.admin, "/policies/groups/nothing", {})).status_code == 404
    assert (await world.put(made.admin, "/policies/members/nothing", {})).status_code == 404
    await world.state(made.admin, hold_for=60)
    await world.state(made.admin, hold_for=60)  # the same again is no change
    assert (await world.audit_types(made, "organization")).count("policy.changed") == 1
    (event,) = [each for each in (await made.admin.get("/audit")).json()["events"] if each["type"] == "policy.changed"]
    assert event["details"] == {"scope": "organization", "before": "{}", "after": '{"hold_for": 60}'}


async def test_holding_back_lets_a_mistake_be_taken_back(services: Services) -> None:
    made = await world.company(services)
    await world.state(made.admin, hold_for=600)
    kept, cancelled = await world.sent(made, "Held"), await world.sent(made, "Held")
    assert (await made.sender.post(f"/transfers/{cancelled}/cancel")).status_code == 204
    people.move(services, seconds=600)
    run_jobs(services)
    assert [await world.state_of(made, each) for each in (kept, cancelled)] == ["Delivered", "Deleted"]
    assert len(world.mails_to(services, people.RECIPIENT)) == 1
    assert len(list(services.blobs.list(""))) == 2
    types = await world.audit_types(made, kept)
    assert types.index("transfer.held") < types.index("transfer.delivered") < types.index("mail.delivery")
    assert "transfer.delivered" not in await world.audit_types(made, cancelled)


async def test_a_hold_survives_the_end_of_the_app_and_of_the_policy(services: Services, tmp_path: Path) -> None:
    made = await world.company(services)
    await world.state(made.admin, hold_for=600)
    transfer_id = await world.sent(made, "Held")
    await world.state(made.admin)
    restarted = make_services(tmp_path, blobs=services.blobs, clock=services.clock, mailer=services.mailer)
    people.move(services, seconds=599)
    run_jobs(restarted)
    assert await world.state_of(made, transfer_id) == "Held"
    people.move(services, seconds=1)
    run_jobs(restarted)
    assert await world.state_of(made, transfer_id) == "Delivered"
