"""The main job in a real browser: a member sends, the page is reloaded midway, the recipient fetches."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from playwright.sync_api import Locator, expect

from browser_world import World, wait_for, wait_for_mail
from people_in_browsers import DELIVERY, TRANSFER, Household, Person

SLOW_BYTES_PER_SECOND = 150_000  # 6 MiB take forty seconds


def test_two_files_arrive_although_the_page_is_reloaded_midway(
    world: World, household: Household, folder: Path
) -> None:
    big, report = folder / "設計図面 第2版.bin", folder / "report (final).pdf"
    big.write_bytes(os.urandom(6 * 2**20))
    report.write_bytes(b"%PDF-1.7\n" + os.urandom(40_000))
    address = f"tanaka-{world.run}@client.test"
    sender = household.member()
    sender.compose([big, report], [address], subject="図面の送付", message="田中様\n図面をお送りします。")
    sender.throttle(SLOW_BYTES_PER_SECOND)
    sender.send()
    first = sender.page.locator("[data-files] li").first
    expect(first.locator(".note, p")).to_contain_text(re.compile(r"MiB / 6 MiB"))
    expect(sender.page).to_have_url(TRANSFER)
    sender.page.on("dialog", lambda dialog: dialog.accept())
    sender.page.reload()
    sender.throttle(-1)

    unfinished = sender.page.locator('[data-upload="reselect"]', has_text=big.name)
    kept = int(wait_for(lambda: _kept(sender, unfinished), "the page to show what was kept before the reload"))
    assert 0 < kept < big.stat().st_size
    expect(unfinished).to_contain_text("もう一度選択")
    is_up = sender.page.locator('[data-upload="done"]', has_text=report.name).count()
    sender.page.locator("#files").set_input_files([big] if is_up else [big, report])
    sender.send()
    sender.transfer_state("Delivered")
    expect(sender.page.locator("#status")).to_contain_text("配信済み")

    link = wait_for_mail(world, address, DELIVERY)
    recipient = household.stranger()
    recipient.prove(address, link)
    expect(recipient.page.locator("h1")).to_have_text("図面の送付")
    expect(recipient.page.locator(".message")).to_have_text("田中様\n図面をお送りします。")
    for source in (big, report):
        _fetch_and_compare(recipient, source)
    recipient.close()
    sender.page.reload()
    expect(sender.page.locator("section[aria-labelledby=recipients-heading]")).to_contain_text("すべて (2)")
    sender.close()


def test_a_recalled_transfer_is_gone_for_the_recipient_and_the_sender_sees_who_has_it(
    world: World, household: Household, folder: Path
) -> None:
    file = folder / "offer.txt"
    file.write_bytes(b"offer")
    address = f"suzuki-{world.run}@client.test"
    sender = household.member("en-US")
    sender.compose([file], [address], subject="Offer")
    sender.send()
    sender.transfer_state("Delivered")
    link = wait_for_mail(world, address, DELIVERY)
    recipient = household.stranger("en-US")
    recipient.prove(address, link)
    assert recipient.download("Download offer.txt") == b"offer"
    expect(sender.page.locator("tr", has_text=address)).to_contain_text("everything (1)")  # noted once it has left
    sender.page.get_by_role("button", name="Take the files back").click()
    sender.page.get_by_role("dialog").get_by_role("button", name="Keep").click()
    expect(sender.page.get_by_role("dialog")).to_have_count(0)
    sender.transfer_state("Delivered")
    sender.page.get_by_role("button", name="Take the files back").click()
    sender.page.get_by_role("dialog").get_by_role("button", name="Take back").click()
    sender.transfer_state("Recalled")
    expect(sender.page.locator("tr", has_text=address)).to_contain_text("everything (1)")
    expect(sender.page.locator("tr", has_text="Transfer taken back")).to_contain_text("done")
    recipient.page.get_by_role("button", name="Download offer.txt").click()
    expect(recipient.page.locator("h1")).to_have_text("No longer available")
    recipient.close()
    sender.close()


def test_an_infected_file_is_shown_and_nobody_is_told(world: World, household: Household, folder: Path) -> None:
    bad, good = folder / "invoice.exe", folder / "letter.txt"
    bad.write_bytes(world.infected)
    good.write_bytes(b"a letter")
    address = f"sato-{world.run}@client.test"
    sender = household.member()
    sender.compose([bad, good], [address])
    sender.send()
    refused = sender.page.locator('[data-file-state="Infected"], [data-upload="infected"]')
    expect(refused).to_contain_text("ウイルス検出")
    expect(refused).to_contain_text("invoice.exe")
    expect(sender.page.locator("#status")).to_contain_text("誰にも配信していません")
    assert world.mails(address) == []
    sender.page.get_by_role("button", name="送信を取り消す").click()
    sender.page.get_by_role("dialog").get_by_role("button", name="送信を取り消す").click()
    sender.transfer_state("Deleted")
    sender.close()


def test_a_wrong_code_is_said_and_the_right_one_still_works(world: World, household: Household, folder: Path) -> None:
    file = folder / "plan.txt"
    file.write_bytes(b"plan")
    address = f"ito-{world.run}@client.test"
    sender = household.member("en-US")
    sender.compose([file], [address])
    sender.send()
    sender.transfer_state("Delivered")
    sender.close()
    link = wait_for_mail(world, address, DELIVERY)
    recipient = household.stranger("en-US")
    recipient.page.goto(link)
    expect(recipient.page.locator("main")).not_to_contain_text("plan.txt")
    recipient.page.get_by_role("button", name="Send me a code").click()
    code = wait_for_mail(world, address, r"^(\d{8})$")
    recipient.page.get_by_label("One-time code").fill("00000000" if code != "00000000" else "11111111")
    recipient.page.get_by_role("button", name="Show the files").click()
    expect(recipient.page.get_by_role("alert")).to_have_text("The code is wrong.")
    recipient.page.get_by_label("One-time code").fill(f"{code[:4]} {code[4:]}")
    recipient.page.get_by_role("button", name="Show the files").click()
    expect(recipient.page.get_by_text("plan.txt")).to_be_visible()
    elsewhere = household.stranger("en-US")
    elsewhere.page.goto(f"{link}/files")
    expect(elsewhere.page).to_have_url(link)
    elsewhere.close()
    recipient.close()


def _kept(sender: Person, unfinished: Locator) -> str | None:
    """Committed bytes of this file, once its page and the API agree: what the cut request left may still be on its way."""
    sender.page.reload()
    shown = str(unfinished.locator("progress").evaluate("bar => bar.value"))
    offsets = {str(file["offset"]) for file in sender.files() if file["state"] == "Uploading"}
    return shown if shown in offsets - {"0"} else None


def _fetch_and_compare(recipient: Person, source: Path) -> None:
    row = recipient.page.locator("li", has_text=source.name)
    shown = row.locator("[data-sha256]").inner_text()
    with recipient.page.expect_download() as started:
        row.get_by_role("button").click()
    got = Path(started.value.path()).read_bytes()
    assert started.value.suggested_filename == source.name
    assert hashlib.sha256(got).hexdigest() == shown == hashlib.sha256(source.read_bytes()).hexdigest()
