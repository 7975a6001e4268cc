"""What others decide about a transfer: an approver, with a comment; an administrator, about a file no scanner can open."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from browser_world import World, wait_for_mail
from page_faults import look
from people_in_browsers import DELIVERY, Household


def test_an_approver_looks_agrees_with_a_comment_and_only_then_the_recipient_is_told(
    world: World, household: Household, folder: Path
) -> None:
    file = folder / "図面.bin"
    file.write_bytes(bytes(range(256)) * 100)
    address, subject = f"approved-{world.run}@client.test", f"Drawing {world.run}"
    sender = household.careful_member("en-US")
    sender.compose([file], [address], subject=subject)
    sender.send()
    sender.transfer_state("AwaitingApproval")
    assert world.mails(address) == []

    approver = household.administrator("en-US")
    approver.page.get_by_role("link", name="Approvals").click()
    approver.page.get_by_role("link", name=subject).click()
    assert approver.download("Look at 図面.bin") == file.read_bytes()
    approver.page.get_by_label("Comment for the sender").fill("Looks right to me.")
    approver.page.get_by_role("button", name="Agree", exact=True).click()
    expect(approver.page.locator("h1")).to_have_text("Approvals")
    expect(approver.page.get_by_role("link", name=subject)).to_have_count(0)
    approver.close()

    sender.transfer_state("Delivered")
    approval = sender.page.locator("section", has=sender.page.get_by_role("heading", name="Approval"))
    expect(approval).to_contain_text("Looks right to me.")
    look(sender.page, "a transfer that was agreed to")
    sender.close()
    recipient = household.stranger("en-US")
    recipient.prove(address, wait_for_mail(world, address, DELIVERY))
    assert recipient.download("Download 図面.bin") == file.read_bytes()
    recipient.close()


def test_a_file_no_scanner_can_open_goes_out_once_released_and_says_so(
    world: World, household: Household, folder: Path
) -> None:
    if not world.releases:
        pytest.skip("this organization releases nothing")
    file = folder / f"locked-{world.run}.zip"
    file.write_bytes(world.unscannable)
    address = f"released-{world.run}@client.test"
    sender = household.member("en-US")
    sender.compose([file], [address])
    sender.send()
    sender.wait_for_refusal("Unscannable")
    assert world.mails(address) == []

    administrator = household.administrator("en-US")
    administrator.page.goto("/quarantine")
    entry = administrator.page.locator("main section", has_text=file.name)
    entry.get_by_label("Why it may go out unscanned").fill("Encrypted by the client, agreed by telephone.")
    entry.get_by_role("button", name="Release unscanned").click()
    expect(entry).to_contain_text("agreed by telephone")
    look(administrator.page, "the quarantine with a released file")
    administrator.close()

    sender.close()
    recipient = household.stranger("en-US")
    recipient.prove(address, wait_for_mail(world, address, DELIVERY))
    expect(recipient.page.locator("li", has_text=file.name)).to_contain_text("Not scanned for viruses")
    look(recipient.page, "files for a recipient, one of them unscanned")
    assert recipient.download(f"Download {file.name}") == world.unscannable
    recipient.close()
