"""What a page does must not depend on which comes first: its script or a click, the scanner or the sender, an answer or an act."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import CDPSession, Route, expect

from browser_world import World, wait_for, wait_for_mail
from people_in_browsers import REQUEST, Household, Person

LATE_SECONDS = 2.0  # what breaks without the product's care breaks within it; nothing waits for its end
# A dropped folder is read by READ, given its real `reader`.
_FOLDERS = """
const going = new Promise((resolve) => { window.readOn = resolve; });
const asEntry = DataTransferItem.prototype.webkitGetAsEntry;
DataTransferItem.prototype.webkitGetAsEntry = function () {
  document.documentElement.dataset.dropped = "yes";
  const folder = asEntry.call(this);
  const reader = folder.createReader();
  folder.createReader = () => ({ readEntries: READ });
  return folder;
};
"""
_SLOWLY = "async (...then) => { await going; reader.readEntries(...then); }"
_IN_VAIN = '(_, failed) => failed(new DOMException("gone", "NotFoundError"))'
_DRAFT = {"recipients": [{"email": "order@client.test"}], "subject": "Order"}
_REQUEST = {"subject": "Order", "locale": "en", "expires_in": 86_400, "max_bytes": 10**7}


def test_a_click_before_the_script_is_asked_about_all_the_same(household: Household) -> None:
    sender = household.member("en-US")
    draft = sender.call("POST", "/api/v1/transfers", _DRAFT)["id"]
    sender.page.route("**/js/page.js", _late)
    sender.page.goto(f"/transfers/{draft}", wait_until="commit")
    sender.page.get_by_role("button", name="Cancel the transfer").click()
    sender.page.get_by_role("dialog").get_by_role("button", name="Keep").click()
    sender.transfer_state("Draft")
    sender.close()


def test_a_click_before_the_script_sends_no_note_in_an_address(world: World, household: Household) -> None:
    guest, link = _asked(world, household, f"early-{world.run}@client.test")
    guest.page.route("**/js/answer.js", _late)
    guest.page.goto(f"{link}/files", wait_until="commit")
    guest.page.locator("#note").fill("for their eyes only")
    guest.send()
    expect(guest.page.locator("[data-problem]")).to_have_text("Choose at least one file.")
    expect(guest.page).to_have_url(f"{link}/files")
    guest.close()


def test_a_folder_that_is_still_being_read_is_sent_with_the_rest(household: Household, folder: Path) -> None:
    sender = _dropping(household, folder, _SLOWLY)
    sender.send()
    expect(sender.page.locator("[data-files] li")).to_have_attribute("data-upload", "done")
    sender.page.evaluate("window.readOn()")
    sender.transfer_state("Delivered")
    expect(sender.page.locator("[data-file]")).to_have_count(2)
    sender.close()


def test_an_upload_whose_creation_was_answered_in_vain_is_gone_on_with(household: Household, folder: Path) -> None:
    sender = household.member("en-US")
    sender.compose([_file(folder, "lost.txt", b"begun")], ["order@client.test"])
    lose = _losing(sender, "*/files/")
    sender.send()
    sender.wait_for_file_state("lost.txt", "Uploading")
    lose()
    sender.transfer_state("Delivered")
    expect(sender.page.locator("[data-file]")).to_have_count(1)
    sender.close()


def test_a_folder_that_cannot_be_read_is_told_and_nothing_is_sent_without_it(
    household: Household, folder: Path
) -> None:
    sender = _dropping(household, folder, _IN_VAIN)
    broken = sender.page.locator('[data-upload="unread"]')
    expect(broken).to_contain_text("This could not be read.")
    sender.send()
    expect(sender.page.locator("[data-problem]")).to_have_text(
        "This could not be read. Remove it here, then add it again."
    )
    broken.get_by_role("button", name="Remove").click()
    sender.send()
    sender.transfer_state("Delivered")
    sender.close()


@pytest.mark.parametrize("known", [False, True])
def test_a_pause_while_an_upload_begins_leaves_no_second_file_behind(
    household: Household, folder: Path, *, known: bool
) -> None:
    """`known`: the page hears of the file that has begun before the upload is to go on."""
    sender = household.member("en-US")
    sender.compose([_file(folder, "begun.txt", b"begun")], ["order@client.test"])
    hear = _deaf(sender, "*/files/")
    sender.send()
    sender.wait_for_file_state("begun.txt", "Uploading")
    entry = sender.page.locator("[data-files] li")
    entry.get_by_role("button", name="Pause").click()
    expect(entry).to_have_attribute("data-upload", "paused")
    if known:
        hear()
    entry.get_by_role("button", name="Resume").click()
    hear()
    sender.transfer_state("Delivered")
    expect(sender.page.locator("[data-file]")).to_have_count(1)
    sender.close()


def test_a_file_removed_while_its_upload_begins_is_not_sent(household: Household, folder: Path) -> None:
    sender = household.member("en-US")
    files = [_file(folder, name, name.encode()) for name in ("unwanted.txt", "wanted.txt")]
    sender.compose(files, ["order@client.test"])
    hear = _deaf(sender, "*/files/")
    sender.send()
    sender.wait_for_file_state("unwanted.txt", "Uploading")
    sender.page.get_by_role("button", name="Remove unwanted.txt").click()
    hear()
    sender.transfer_state("Delivered")
    expect(sender.page.locator("[data-file]")).to_have_count(1)
    expect(sender.page.locator("[data-file]")).to_contain_text("wanted.txt")
    sender.close()


def test_a_draft_that_may_be_released_is_sent_although_the_scanner_came_first(
    world: World, household: Household, folder: Path
) -> None:
    if not world.releases:
        pytest.skip("this organization releases nothing")
    sender = household.member("en-US")
    file = _file(folder, f"first-{world.run}.zip", world.unscannable)
    sender.compose([file], ["order@client.test"])
    sender.page.route("**/send", lambda route: route.abort("connectionfailed"))
    sender.send()
    expect(sender.page.locator("[data-problem]")).to_contain_text("cannot be reached")
    sender.wait_for_file_state(file.name, "Unscannable")
    sender.page.unroute("**/send")
    sender.page.reload()
    sender.send()
    sender.transfer_state("AwaitingFiles")
    sender.close()


def test_a_guest_sends_although_the_scanner_came_first(world: World, household: Household, folder: Path) -> None:
    guest, link = _asked(world, household, f"second-{world.run}@client.test")
    guest.page.route("**/send", lambda route: route.abort("connectionfailed"))
    guest.page.locator("#files").set_input_files([_file(folder, "bad.exe", world.infected)])
    guest.send()
    expect(guest.page.locator("[data-problem]")).to_contain_text("cannot be reached")
    guest.page.unroute("**/send")
    wait_for(lambda: _judged(guest, link), "the scanner's verdict")
    guest.send()
    expect(guest.page).to_have_url(re.compile(r"/sent$"))
    guest.close()


def _asked(world: World, household: Household, address: str) -> tuple[Person, str]:
    """A guest who has proven to be who was asked for files, and the link."""
    member = household.member("en-US")
    member.call("POST", "/api/v1/requests", _REQUEST | {"email": address})
    member.close()
    guest, link = household.stranger("en-US"), wait_for_mail(world, address, REQUEST)
    guest.prove(address, link)
    return guest, link


def _judged(guest: Person, link: str) -> str | None:
    guest.page.goto(f"{link}/files")
    return link if guest.page.locator('[data-upload="infected"]').count() else None


def _file(folder: Path, name: str, content: bytes) -> Path:
    (folder / name).write_bytes(content)
    return folder / name


def _dropping(household: Household, folder: Path, read: str) -> Person:
    """A member who has chosen a file and dropped a folder with another, which is read as `read` says."""
    sender = household.member("en-US")
    sender.context.add_init_script(_FOLDERS.replace("READ", read))
    (folder / "papers").mkdir()
    _file(folder / "papers", "second.txt", b"second")
    sender.compose([_file(folder, "first.txt", b"first")], ["order@client.test"])
    sender.drop(folder / "papers")
    expect(sender.page.locator("html")).to_have_attribute("data-dropped", "yes")
    return sender


def _holding(person: Person, address: str) -> CDPSession:
    """Answers from this address are kept from the page. The service gets each request."""
    session = person.context.new_cdp_session(person.page)
    session.send("Fetch.enable", {"patterns": [{"urlPattern": address, "requestStage": "Response"}]})
    return session


def _deaf(person: Person, address: str) -> Callable[[], object]:
    """Answers come to the page when what is returned is called."""
    session = _holding(person, address)
    return lambda: session.send("Fetch.disable")


def _losing(person: Person, address: str) -> Callable[[], object]:
    """The answer is lost on its way when what is returned is called."""
    session, kept = _holding(person, address), list[str]()
    session.on("Fetch.requestPaused", lambda answer: kept.append(answer["requestId"]))

    def lose() -> None:
        session.send("Fetch.failRequest", {"requestId": kept[0], "errorReason": "ConnectionReset"})
        session.send("Fetch.disable")

    return lose


def _late(route: Route) -> None:
    time.sleep(LATE_SECONDS)
    route.continue_()
