"""Every page in both languages: structure that assistive technology relies on, and nothing the policy forbids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import expect

import browser_contents
from browser_contents import Contents
from browser_world import PASSWORD, World
from kozutumi_app.web import pages
from page_faults import look
from people_in_browsers import Household, Person
from routes import flat

ADMINISTRATOR: Final = (
    "/about",
    "/announcements",
    "/approvals",
    "/approvals/{request_id}",
    "/audit",
    "/changes",
    "/members",
    "/policies",
    "/policies/{level}",
    "/policies/{level}/{subject_id}",
    "/quarantine",
    "/requests",
    "/requests/new",
    "/requests/{request_id}",
    "/storage",
    "/tokens",
    "/transfers",
    "/transfers/new",
    "/transfers/nothing-here",
    "/transfers/{transfer_id}",
    "/transfers/{transfer_id}/edit",
)
STRANGER: Final = (
    "/about",
    "/announcements",
    "/invitations/unknown",
    "/invitations/{token}",
    "/q/{link_id}",
    "/q/{link_id}/sent",
    "/q/{link_id}/verify",
    "/r/unknown",
    "/r/{link_id}",
    "/r/{link_id}/verify",
    "/sign-in",
)
RECIPIENT: Final = ("/r/{link_id}", "/r/{link_id}/files")
GUEST: Final = ("/q/{link_id}/files",)
MEMBER: Final = ("/approvals", "/requests", "/tokens", "/transfers")
NO_PAGES: Final = {
    "/",  # leads elsewhere
    "/downloads/archives/{transfer_id}",
    "/downloads/{file_id}",
    "/static/{version}/{name:path}",
    "/transfers/{transfer_id}/status",  # a part of its transfer's page
}


@pytest.fixture(scope="module")
def contents(world: World, household: Household, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contents]:
    made = browser_contents.furnish(world, household, tmp_path_factory.mktemp("contents"))
    yield made
    made.close()


def test_every_page_is_looked_at() -> None:
    """Whoever adds a page adds it above, and what can be on it to `browser_contents`."""
    routes = {route.path for route in flat(pages.router.routes) if "GET" in (route.methods or ())}
    looked_at = {*ADMINISTRATOR, *STRANGER, *RECIPIENT, *GUEST}
    assert {path for path in looked_at if not path.endswith(("unknown", "nothing-here"))} == routes - NO_PAGES


@pytest.mark.parametrize("language", ["ja", "en"])
def test_pages_of_an_administrator(contents: Contents, language: str) -> None:
    _look_at(contents, contents.administrator, ADMINISTRATOR, language)
    page = contents.administrator.page
    linked = page.evaluate("[...document.querySelectorAll('header nav a, .me a, footer a')].map((a) => a.pathname)")
    assert set(linked) <= set(ADMINISTRATOR)


@pytest.mark.parametrize("language", ["ja", "en"])
def test_pages_of_a_member_who_has_nothing_yet(contents: Contents, household: Household, language: str) -> None:
    person = household.stranger()
    person.sign_in(household.newcomer_email)
    _look_at(contents, person, MEMBER, language)
    person.close()


@pytest.mark.parametrize("language", ["ja", "en"])
def test_pages_of_those_without_an_account(contents: Contents, language: str) -> None:
    _look_at(contents, contents.stranger, STRANGER, language)
    _look_at(contents, contents.recipient, RECIPIENT, language)
    _look_at(contents, contents.guest, GUEST, language)


def test_signing_in_by_keyboard_alone(world: World, household: Household) -> None:
    email = household.member_email
    person = household.stranger("en-US")
    page = person.page
    page.goto("/sign-in")
    expect(page.locator("#email")).to_be_focused()
    page.keyboard.type(email)
    page.keyboard.press("Tab")
    page.keyboard.type("a wrong password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("The e-mail address or the password is wrong.")
    expect(page.locator("#email")).to_be_focused()
    expect(page.locator("#email")).to_have_value(email)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    person.arrive(f"{world.url}/transfers")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    person.close()


def test_the_language_is_kept_for_the_next_page(household: Household) -> None:
    person = household.stranger("ja-JP")
    person.page.goto("/sign-in?next=/transfers/new")
    person.page.get_by_role("link", name="English").click()
    expect(person.page.locator("h1")).to_have_text("Sign in")
    expect(person.page.locator("input[name=next]")).to_have_value("/transfers/new")
    person.page.goto("/about")
    expect(person.page.locator("html")).to_have_attribute("lang", "en")
    person.close()


def _look_at(contents: Contents, person: Person, routes: tuple[str, ...], language: str) -> None:
    for route in routes:
        assert "{" not in route or contents.addresses[route], route
        for address in contents.addresses.get(route, [route]):
            person.page.goto(f"{address}?lang={language}")
            assert person.page.locator("html").get_attribute("lang") == language
            look(person.page, address)
