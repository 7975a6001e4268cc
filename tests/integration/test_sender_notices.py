"""What a sender is told without asking: the first downloads, and that nobody downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import people_world as world
from builders import make_services, outbox, run_jobs
from kozutumi_app.services import Services
from kozutumi_app.use_cases import sender_notices

LATER = "あとから@outside.test"


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return make_services(tmp_path)


def mails_to(services: Services, address: str) -> int:
    return sum(mail.to == address for mail in outbox(services).mails)


async def shown(sender: world.Browser, transfer_id: str) -> Any:
    return (await sender.get(f"/transfers/{transfer_id}")).json()


@pytest.mark.parametrize(("notify", "mails"), [("Never", 0), ("First", 1), ("Each", 2)])
async def test_the_sender_is_told_of_first_downloads(services: Services, notify: str, mails: int) -> None:
    sender = await world.administrator(services)
    both = [{"email": world.RECIPIENT, "locale": "ja"}, {"email": LATER, "locale": "ja"}]
    transfer_id, _ = await world.delivered(services, sender, recipients=both, notify=notify)
    before = mails_to(services, world.ADMINISTRATOR)
    for _ in range(2):
        for to in (await shown(sender, transfer_id))["recipients"]:
            with services.database.write() as tx:
                sender_notices.downloaded(tx, services, to["recipient_id"])
    run_jobs(services)
    assert mails_to(services, world.ADMINISTRATOR) - before == mails


async def test_the_sender_is_told_once_when_nobody_downloads(services: Services) -> None:
    sender = await world.administrator(services)
    transfer_id, _ = await world.delivered(services, sender)
    before = mails_to(services, world.ADMINISTRATOR)
    world.move(services, days=4, hours=23)
    run_jobs(services)
    assert mails_to(services, world.ADMINISTRATOR) == before
    world.move(services, hours=1)
    run_jobs(services)
    assert mails_to(services, world.ADMINISTRATOR) == before + 1
    assert f"/transfers/{transfer_id}" in outbox(services).last_to(world.ADMINISTRATOR).text
    world.move(services, hours=30)
    run_jobs(services)
    assert mails_to(services, world.ADMINISTRATOR) == before + 1


async def test_the_sender_is_not_warned_when_somebody_downloaded(services: Services) -> None:
    sender = await world.administrator(services)
    transfer_id, _ = await world.delivered(services, sender, notify="Never")
    before = mails_to(services, world.ADMINISTRATOR)
    with services.database.write() as tx:
        sender_notices.downloaded(tx, services, (await shown(sender, transfer_id))["recipients"][0]["recipient_id"])
    world.move(services, days=6)
    run_jobs(services)
    assert mails_to(services, world.ADMINISTRATOR) == before
