"""All files of a transfer as one zip, by a real browser."""

from __future__ import annotations

import zipfile
from pathlib import Path

from browser_world import World, wait_for_mail
from people_in_browsers import DELIVERY, Household


def test_several_files_are_fetched_as_one_archive_with_their_names(
    world: World, household: Household, folder: Path
) -> None:
    contents = {"見積書 №1.txt": "見積".encode() * 10_000, "家族👩‍👩‍👧.bin": bytes(range(256)) * 1000}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    address = f"archive-{world.run}@client.test"
    sender = household.member()
    sender.compose([folder / name for name in contents], [address], subject="図面 一式")
    sender.send()
    sender.transfer_state("Delivered")
    sender.close()
    recipient = household.stranger()
    recipient.prove(address, wait_for_mail(world, address, DELIVERY))
    with recipient.page.expect_download() as started:
        recipient.page.get_by_role("button", name="すべてを1つのZIPファイルでダウンロード").click()
    assert started.value.suggested_filename == "図面 一式.zip"
    with zipfile.ZipFile(started.value.path()) as archive:
        assert archive.testzip() is None
        assert {info.filename: archive.read(info) for info in archive.infolist()} == contents
    recipient.close()
