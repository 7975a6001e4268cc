"""The upload list: pausing, a lost connection, a file refused by the scanner, and what is refused before anything is sent."""

from __future__ import annotations

import os
import re
from pathlib import Path

from playwright.sync_api import expect

from browser_world import World
from people_in_browsers import Household


def test_an_upload_is_paused_resumed_and_survives_a_lost_connection(
    world: World, household: Household, folder: Path
) -> None:
    file = folder / "big.bin"
    file.write_bytes(os.urandom(8 * 2**20))
    sender = household.member("en-US")
    sender.compose([file], [f"pause-{world.run}@client.test"])
    sender.throttle(300_000)
    sender.send()
    entry = sender.page.locator("[data-files] li")
    expect(entry).to_contain_text(re.compile(r"MiB / 8 MiB"))
    entry.get_by_role("button", name="Pause").click()
    expect(entry).to_have_attribute("data-upload", "paused")
    sender.page.route("**/files/*", lambda route: route.abort("connectionfailed"))
    entry.get_by_role("button", name="Resume").click()
    expect(entry).to_contain_text("Connection lost – trying again by itself")
    sender.page.unroute("**/files/*")
    sender.throttle(-1)
    sender.transfer_state("Delivered")
    sender.close()


def test_a_file_refused_during_the_upload_is_named_and_the_others_can_go(
    world: World, household: Household, folder: Path
) -> None:
    bad, good = folder / "bad.exe", folder / "good.bin"
    bad.write_bytes(world.infected)
    good.write_bytes(os.urandom(3 * 2**20))
    sender = household.member("en-US")
    sender.compose([bad, good], [f"rest-{world.run}@client.test"])
    sender.throttle(20_000)  # for longer than the scanner may take with the other file
    sender.send()
    expect(sender.page.locator("[data-files] li", has_text="bad.exe")).to_have_attribute("data-upload", "done")
    sender.wait_for_file_state("bad.exe", "Infected")
    sender.throttle(-1)
    refused = sender.page.locator('[data-upload="infected"]')
    expect(refused).to_contain_text("bad.exe")
    refused.get_by_role("button", name="Remove bad.exe").click()
    expect(refused).to_have_count(0)
    sender.send()
    sender.transfer_state("Delivered")
    expect(sender.page.locator("[data-file]")).to_have_count(1)
    sender.close()


def test_nothing_is_created_before_the_form_is_complete(household: Household, folder: Path) -> None:
    file = folder / "file.txt"
    file.write_bytes(b"text")
    sender = household.member("en-US")
    page = sender.page
    sender.compose([], [])
    sender.send()
    expect(page.locator("[data-problem]")).to_have_text("Choose at least one file.")
    page.locator("#files").set_input_files([file])
    sender.send()
    expect(page.locator("[data-recipient-problem]")).to_have_text("Enter at least one recipient.")
    page.locator("#recipient").fill("a@client.test, nobody")
    sender.send()
    expect(page.locator("[data-recipient-problem]")).to_have_text("nobody is not an e-mail address.")
    expect(page.locator("#recipient")).to_be_focused()
    expect(page.get_by_role("button", name="Remove a@client.test")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/transfers/new$"))
    page.goto("/transfers")
    expect(page.locator("tbody", has_text="a@client.test")).to_have_count(0)
    sender.close()
