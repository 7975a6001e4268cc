"""Pages over ASGI: who sees what, what a form needs, how refusals look, and what is said when a part is down."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import builders
from kozutumi_app.application import create_application
from kozutumi_app.services import Services
from kozutumi_app.use_cases import drafts, invitations, sessions
from kozutumi_app.use_cases.addressing import NewRecipient
from kozutumi_app.use_cases.drafts import Draft
from kozutumi_app.use_cases.health import HealthMonitor
from kozutumi_app.use_cases.sessions import SignedIn
from kozutumi_app.web import security

HTML = {"Accept": "text/html", "Accept-Language": "en"}


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return builders.make_services(tmp_path)


@pytest.fixture
async def browser(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    async with builders.client(services) as client:
        client.headers.update(HTML)
        yield client


def sign_in(client: httpx.AsyncClient, services: Services, cookie: str | None = None) -> SignedIn:
    value = cookie or builders.make_administrator(services)
    client.cookies.set(security.SESSION_COOKIE, value)
    user = sessions.find(services, value)
    assert user is not None
    return user


def accepted(services: Services, administrator: SignedIn, email: str) -> str:
    invitations.invite_member(services, administrator, email=email, role="member")
    builders.run_jobs(services)
    token = builders.invitation_token(builders.outbox(services).last_to(email))
    return invitations.accept(services, token, name="Someone Else", password=builders.PASSWORD, client="test")


def draft_of(services: Services, user: SignedIn) -> str:
    draft = Draft([NewRecipient("to@client.test", "en")], "Plans <b>", "", None, None)
    return drafts.create(services, user.user_id, draft).id


async def test_another_members_transfer_is_not_found_for_everyone_else(
    services: Services, browser: httpx.AsyncClient
) -> None:
    administrator = sign_in(browser, services)
    owner = sessions.find(services, accepted(services, administrator, "owner@acme.test"))
    assert owner is not None
    transfer_id = draft_of(services, owner)
    unknown = await browser.get("/transfers/aaaaaaaaaaaaaaaaaaaaaaaaaa")
    for path in (f"/transfers/{transfer_id}", f"/transfers/{transfer_id}/status"):
        answer = await browser.get(path)
        assert answer.status_code == 404
        assert answer.text.replace(path, "") == unknown.text.replace("/transfers/aaaaaaaaaaaaaaaaaaaaaaaaaa", "")
    for action in ("recall", "cancel"):
        answer = await browser.post(f"/transfers/{transfer_id}/{action}", data={"csrf": administrator.csrf})
        assert answer.status_code == 404


@pytest.mark.parametrize("path", ["/transfers", "/transfers/new", "/members", "/changes", "/audit"])
async def test_pages_lead_to_the_sign_in_and_back(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(path)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/sign-in?next={path}")


async def test_a_poll_of_an_ended_session_does_not_get_the_sign_in_page(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/transfers/x/status", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"], answer.text) == (
        401,
        "/sign-in?next=/transfers/x/status",
        "",
    )


@pytest.mark.parametrize("path", ["/members", "/changes", "/audit"])
async def test_a_member_is_told_that_only_administrators_may(
    services: Services, browser: httpx.AsyncClient, path: str
) -> None:
    administrator = sign_in(browser, services)
    sign_in(browser, services, accepted(services, administrator, "member@acme.test"))
    answer = await browser.get(path)
    assert answer.status_code == 403
    assert "Only an administrator" in answer.text
    assert 'href="/members"' not in answer.text


@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        ({}, {}),
        ({"csrf": "0" * 64}, {}),
        ({"csrf": "right"}, {"Origin": "https://other.kozutumi.test:30443"}),
        ({"csrf": "right"}, {"Origin": "null"}),
        ({"csrf": "right"}, {"Sec-Fetch-Site": "same-site"}),
    ],
)
async def test_forms_of_other_sites_do_nothing(
    services: Services, browser: httpx.AsyncClient, fields: dict[str, str], headers: dict[str, str]
) -> None:
    user = sign_in(browser, services)
    data = {**fields, "action": "invite", "email": "new@acme.test", "role": "member"}
    if data.get("csrf") == "right":
        data["csrf"] = user.csrf
    answer = await browser.post("/members", data=data, headers=headers)
    assert answer.status_code == 403
    assert "did not come from this site" in answer.text
    builders.run_jobs(services)
    assert [mail for mail in builders.outbox(services).mails if mail.to == "new@acme.test"] == []


async def test_the_form_works_without_its_script_and_keeps_what_was_typed(
    services: Services, browser: httpx.AsyncClient
) -> None:
    user = sign_in(browser, services)
    form = {"csrf": user.csrf, "recipients": "a@x.test、not an address", "subject": "Plans & <more>", "message": "m"}
    refused = await browser.post("/transfers/new", data=form)
    assert refused.status_code == 422
    assert "This is not an e-mail address." in refused.text
    assert 'value="Plans &amp; &lt;more&gt;"' in refused.text
    sent = await browser.post("/transfers/new", data=form | {"recipients": "a@x.test; b@x.test", "expires_in": "86400"})
    assert sent.status_code == 303
    page = await browser.get(sent.headers["Location"])
    assert "a@x.test" in page.text
    assert "b@x.test" in page.text


async def test_a_wrong_password_and_a_lock_are_said_on_the_sign_in_page(
    services: Services, browser: httpx.AsyncClient
) -> None:
    builders.make_administrator(services)
    form = {"email": builders.ADMINISTRATOR, "password": "wrong wrong wrong", "next": "/members"}
    first = await browser.post("/sign-in", data=form)
    assert (first.status_code, "is wrong." in first.text) == (401, True)
    assert 'value="/members"' in first.text
    assert "wrong wrong wrong" not in first.text
    answers = [await browser.post("/sign-in", data=form) for _ in range(5)]
    last = answers[-1]
    assert last.status_code == 429
    assert int(last.headers["Retry-After"]) > 0
    assert "Please try again in 1 minute." in last.text


async def test_an_invitation_shows_the_rules_first_and_works_once(
    services: Services, browser: httpx.AsyncClient
) -> None:
    invitations.invite_administrators(services, [builders.ADMINISTRATOR])
    builders.run_jobs(services)
    token = builders.invitation_token(builders.outbox(services).last_to(builders.ADMINISTRATOR))
    path = f"/invitations/{token}"
    assert "At least 12 characters" in (await browser.get(path)).text
    weak = await browser.post(path, data={"name": "Admin", "password": "short", "again": "short"})
    assert (weak.status_code, "Choose another password" in weak.text) == (422, True)
    differing = await browser.post(path, data={"name": "Admin", "password": "a" * 12, "again": "b" * 12})
    assert "The two passwords are not the same." in differing.text
    fields = {"name": "Admin", "password": builders.PASSWORD, "again": builders.PASSWORD}
    done = await browser.post(path, data=fields)
    assert (done.status_code, done.headers["Location"]) == (303, "/transfers")
    cookie = done.headers["Set-Cookie"]
    assert re.search(r"__Host-session=.*HttpOnly.*Path=/.*SameSite=lax.*Secure", cookie)
    again = await browser.post(path, data=fields)
    assert (again.status_code, "no longer valid" in again.text) == (410, True)


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        ("scanner", "Files wait and are delivered once it is back."),
        ("blobs", "The storage is not available."),
        ("mailer", "Mail waits and is sent once it is back."),
    ],
)
async def test_a_page_says_which_part_is_down_and_stops_saying_it(services: Services, part: str, sentence: str) -> None:
    health = HealthMonitor(services)
    transport = httpx.ASGITransport(create_application(services, "public", health))
    peer: Any = getattr(services, part)
    async with httpx.AsyncClient(transport=transport, base_url=builders.PUBLIC_URL, headers=HTML) as client:
        sign_in(client, services)
        for down in (True, False):
            peer.down = down
            builders.clock_of(services).advance(minutes=1)
            health.current()
            assert (sentence in (await client.get("/transfers")).text) is down


async def test_getting_a_recipients_pages_mails_nothing(services: Services, browser: httpx.AsyncClient) -> None:
    before = len(builders.outbox(services).mails)
    for path in ("/r/unknown", "/r/unknown/verify", "/r/unknown/files", "/r/unknown/code"):
        answer = await browser.get(path)
        assert answer.status_code in {404, 405}, path
    assert builders.run_jobs(services) == 0
    assert len(builders.outbox(services).mails) == before


async def test_pages_are_in_the_language_asked_for_and_remember_it(browser: httpx.AsyncClient) -> None:
    japanese = await browser.get("/sign-in?lang=ja")
    assert japanese.headers["Content-Language"] == "ja"
    assert "アクメ株式会社" in japanese.text
    assert (await browser.get("/about")).headers["Content-Language"] == "ja"
    assert (await browser.get("/about?lang=en")).headers["Content-Language"] == "en"
    assert (await browser.get("/about", headers={"Accept-Language": "ja"})).headers["Content-Language"] == "en"


async def test_what_a_sender_typed_is_text_and_never_markup(services: Services, browser: httpx.AsyncClient) -> None:
    transfer_id = draft_of(services, sign_in(browser, services))
    for path in ("/transfers", f"/transfers/{transfer_id}"):
        answer = await browser.get(path)
        assert "Plans &lt;b&gt;" in answer.text
        assert "Plans <b>" not in answer.text


async def test_pages_are_never_stored_and_allow_nothing_inline(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/sign-in")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert "'unsafe" not in answer.headers["Content-Security-Policy"]


async def test_head_answers_like_get_without_the_content(services: Services, browser: httpx.AsyncClient) -> None:
    del services
    for path in ("/sign-in", "/about"):
        asked, read = await browser.head(path), await browser.get(path)
        assert (asked.status_code, asked.content) == (read.status_code, b"")
        assert asked.headers["content-type"] == read.headers["content-type"]
