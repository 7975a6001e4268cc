"""The sender's and recipient's pages do what the API does, and say what was refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

import people_world as world
from builders import client, link_id, make_services, make_settings, outbox, run_jobs
from kozutumi_app.services import Services

HTML = {"Accept": "text/html", "Accept-Language": "en"}
FORM = {"recipients": world.RECIPIENT, "locale": "ja", "subject": "Plans", "message": "", "authentication": "Password"}


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return make_services(tmp_path)


async def submit(sender: world.Browser, path: str, **fields: str) -> httpx.Response:
    return await sender.http.post(path, data={"csrf": sender.csrf, **fields}, headers=HTML)


async def view(sender: world.Browser, path: str) -> str:
    answer = await sender.http.get(path, headers=HTML)
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_a_password_that_was_drawn_is_shown_this_once(services: Services) -> None:
    sender = await world.administrator(services)
    made = await submit(sender, "/transfers/new", **FORM)
    assert made.status_code == 200
    drawn = made.text.split("data-drawn>")[1].split("<")[0]
    assert len(drawn) == 19
    transfer_id = made.text.split('href="/transfers/')[-1].split('"')[0]
    for path in (f"/transfers/{transfer_id}", f"/transfers/{transfer_id}/edit"):
        assert drawn not in await view(sender, path)


async def test_a_draft_is_changed_on_its_page_and_a_mistake_keeps_what_was_typed(services: Services) -> None:
    sender = await world.administrator(services)
    transfer_id = await world.draft(sender)
    path = f"/transfers/{transfer_id}/edit"
    assert world.RECIPIENT in await view(sender, path)
    fields = {"recipients": "a@x.test, b@x.test", "subject": "Second", "authentication": "EmailCode"}
    wrong = await submit(sender, path, **fields, max_downloads="99")
    assert wrong.status_code == 422
    assert "a@x.test, b@x.test" in wrong.text
    assert "Second" in wrong.text
    right = await submit(sender, path, **fields, hold_for="600", notify="Each")
    assert (right.status_code, right.headers["Location"]) == (303, f"/transfers/{transfer_id}")
    changed = (await sender.get(f"/transfers/{transfer_id}")).json()
    assert (changed["subject"], changed["hold_for"], changed["notify"]) == ("Second", 600, "Each")
    assert len(changed["recipients"]) == 2


async def test_the_acts_of_the_page_of_a_transfer(services: Services) -> None:
    sender = await world.administrator(services)
    transfer_id, _ = await world.delivered(services, sender)
    page = f"/transfers/{transfer_id}"
    added = await submit(sender, f"{page}/recipients", email="b@outside.test", locale="en")
    assert (added.status_code, added.headers["Location"]) == (303, page)
    twice = await submit(sender, f"{page}/recipients", email="b@outside.test", locale="en")
    assert (twice.status_code, "This person already receives" in twice.text) == (409, True)
    run_jobs(services)
    assert link_id(outbox(services).last_to("b@outside.test"))
    first, second = (await sender.get(page)).json()["recipients"]
    assert (await submit(sender, f"{page}/recipients/{first['recipient_id']}/resend")).status_code == 303
    again = await submit(sender, f"{page}/recipients/{first['recipient_id']}/resend")
    assert (again.status_code, "15 minutes" in again.text) == (429, True)
    assert (await submit(sender, f"{page}/remind")).status_code == 303
    assert (await submit(sender, f"{page}/expiry", expires_in="86400")).status_code == 303
    assert (await submit(sender, f"{page}/recipients/{second['recipient_id']}/remove")).status_code == 303
    assert "no access since" in await view(sender, page)
    drawn = await submit(sender, f"{page}/password")
    assert "data-drawn" in drawn.text
    assert (await submit(sender, f"{page}/password", password="short")).status_code == 422
    forged = await sender.http.post(f"{page}/remind", data={"csrf": "x"}, headers=HTML)
    assert forged.status_code == 403


@pytest.mark.parametrize(
    ("proof", "action", "field"),
    [("Password", "password", 'name="password"'), ("Link", "open", "Show the files"), ("EmailCode", "code", "code")],
)
async def test_the_first_page_of_a_link_asks_for_its_proof(tmp_path: Path, proof: str, action: str, field: str) -> None:
    services = make_services(tmp_path, settings=make_settings(recipient_authentication="Link"))
    sender = await world.administrator(services)
    extra: dict[str, Any] = {"password": "told on the telephone"} if proof == "Password" else {}
    _, link = await world.delivered(services, sender, authentication=proof, **extra)
    http = client(services)
    page = await http.get(f"/r/{link}", headers=HTML)
    assert f'action="/r/{link}/{action}"' in page.text
    assert field in page.text
    if proof == "Password":
        wrong = await http.post(f"/r/{link}/password", data={"password": "no"}, headers=HTML)
        assert (wrong.status_code, "The password is wrong." in wrong.text) == (403, True)
    opened = await http.post(f"/r/{link}/{action}", data=extra, headers=HTML)
    assert opened.status_code == 303
    if proof != "EmailCode":
        assert (await http.get(opened.headers["Location"], headers=HTML)).status_code == 200


async def test_an_account_is_asked_to_sign_in_and_then_named(services: Services) -> None:
    admin = await world.administrator(services)
    member = await world.member(services, admin, "member@acme.test")
    transfer_id = await world.draft(admin, recipients=[{"email": "member@acme.test"}], authentication="Account")
    world.add_file(services, transfer_id)
    await admin.post(f"/transfers/{transfer_id}/send")
    run_jobs(services)
    link = link_id(outbox(services).last_to("member@acme.test"))
    assert f"/sign-in?next=/r/{link}" in (await client(services).get(f"/r/{link}", headers=HTML)).text
    assert "member@acme.test" in await view(member, f"/r/{link}")
    other = await submit(admin, f"/r/{link}/account")
    assert (other.status_code, "another account" in other.text) == (403, True)
    assert (await submit(member, f"/r/{link}/account")).headers["Location"] == f"/r/{link}/files"
    assert "秘密.txt" in await view(member, f"/r/{link}/files")
