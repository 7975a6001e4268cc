"""A list that is longer than a page, by keyboard and without a script."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from browser_world import World
from kozutumi_app.web import paging
from page_faults import look
from people_in_browsers import Household, Person


@pytest.fixture
def administrator(world: World, household: Household) -> Iterator[Person]:
    """With more groups than a page shows, of which nothing is left behind."""
    person = household.administrator("en-US")
    names = [f"list {world.run} {number:02}" for number in range(paging.SHOWN + 1)]
    made = [person.call("POST", "/api/v1/groups", {"name": name})["id"] for name in names]
    yield person
    person.page.goto("/about")
    for group in made:
        person.call("DELETE", f"/api/v1/groups/{group}")
    person.close()


def test_a_long_list_is_paged_by_keyboard(administrator: Person) -> None:
    page = administrator.page
    for language in ("ja", "en"):
        page.goto(f"/policies?lang={language}")
        look(page, f"the first page of groups ({language})")
    shown = page.locator("section[aria-labelledby=groups-heading] li")
    expect(shown).to_have_count(paging.SHOWN)
    page.get_by_role("link", name="Next").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Previous")).to_be_visible()
    look(page, "the last page of groups")
    expect(page.get_by_role("link", name="Next")).to_have_count(0)
    assert 0 < shown.count() <= paging.SHOWN
    page.get_by_role("link", name="Previous").focus()
    page.keyboard.press("Enter")
    expect(shown).to_have_count(paging.SHOWN)


def test_a_member_is_found_without_a_script(household: Household, administrator: Person) -> None:
    state = administrator.context.storage_state()
    context = household.browser.new_context(
        java_script_enabled=False, storage_state=state, base_url=household.world.url, locale="en-US"
    )
    page = context.new_page()
    page.goto("/policies")
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_role("link", name="Previous")).to_be_visible()
    page.goto("/members")
    page.get_by_label("Find by e-mail address").fill(household.member_email.upper())
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text(household.member_email)
    context.close()


def test_a_size_is_typed_with_its_unit_and_a_wrong_one_is_marked(household: Household) -> None:
    person = household.member("en-US")
    page = person.page
    page.goto("/requests/new")
    page.get_by_label("E-mail address of the guest").fill("guest@client.test")
    page.get_by_label("Size in all, at most", exact=True).fill("1.5")
    page.get_by_label("Unit of: Size in all, at most").select_option("GiB")
    page.get_by_role("button", name="Send the request").click()
    size = page.get_by_label("Size in all, at most", exact=True)
    expect(size).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#max_bytes-wrong")).to_contain_text("Write a whole number and choose its unit")
    expect(size).to_have_value("1.5")
    expect(page.get_by_label("E-mail address of the guest")).to_have_value("guest@client.test")
    look(page, "a request with a wrong size")
    person.close()
