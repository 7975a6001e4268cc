"""A member asks a guest for files; a person makes a token for a program, and ends it."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from browser_world import World, wait_for_mail
from page_faults import look
from people_in_browsers import REQUEST, Household, Person

_STATUS_WITH_TOKEN = """async (token) => {
  const headers = {Authorization: `Bearer ${token}`};
  return (await fetch('/api/v1/transfers', {headers, credentials: 'omit'})).status;
}"""


def test_a_guest_without_an_account_sends_files_and_who_asked_is_told(
    world: World, household: Household, folder: Path
) -> None:
    file = folder / "請求書 11月.pdf"
    file.write_bytes(b"%PDF-1.7\n" + bytes(range(256)) * 100)
    address = f"supplier-{world.run}@client.test"
    member = household.member("en-US")
    member.page.get_by_role("link", name="Receive files").click()
    member.page.get_by_role("link", name="Ask for files").first.click()
    member.page.get_by_label("E-mail address of the guest").fill(address)
    member.page.get_by_label("Subject").fill("Invoice")
    member.page.get_by_role("button", name="Send the request").click()
    expect(member.page.locator("main")).to_contain_text("Nothing was sent yet.")

    guest = household.stranger("en-US")
    told = len(world.mails(household.member_email))
    guest.prove(address, wait_for_mail(world, address, REQUEST))
    expect(guest.page.locator("h1")).to_have_text("Invoice")
    guest.answer([file], note="As you asked.")
    guest.close()

    member.page.goto(wait_for_mail(world, household.member_email, r"(https://\S+/requests/\S+)", after=told))
    expect(member.page.locator("main")).to_contain_text("As you asked.")
    assert member.download("Download 請求書 11月.pdf") == file.read_bytes()
    member.close()


def test_a_token_opens_the_api_until_it_is_revoked(household: Household) -> None:
    person = household.member("en-US")
    page = person.page
    page.get_by_role("link", name="Access tokens").click()
    page.get_by_label("Name of the token").fill("nightly")
    page.get_by_label("See transfers").first.check()
    page.get_by_role("button", name="Make a token").click()
    token = page.locator("[data-token]").inner_text()
    look(page, "a new token")
    assert _status(person, token) == 200
    page.get_by_role("button", name="Revoke nightly").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.locator("tr", has_text="nightly")).to_contain_text("Revoked")
    expect(page.locator("[data-token]")).to_have_count(0)
    assert _status(person, token) == 401
    person.close()


def _status(person: Person, token: str) -> int:
    status: int = person.page.evaluate(_STATUS_WITH_TOKEN, token)
    return status
