"""A transfer that was sent while a file was still arriving, which then never did: nobody gets a part of it, its sender goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

import people_world as people
import upload_world as world
from builders import MarkerScanner, clock_of, outbox, run_jobs
from kozutumi_app.services import Services
from kozutumi_app.use_cases import upload, usage
from upload_world import Sender

Pair = tuple[Services, Sender]


@pytest.fixture
async def pair(tmp_path: Path) -> Pair:
    """A transfer that was sent with one whole file (5 bytes) and half of another (10), a day ago."""
    services, sender = await world.world(tmp_path)
    await sender.upload(b"whole")
    url = await sender.created(10)
    await sender.append(url, 0, b"01234")
    await sender.send()
    run_jobs(services)
    return services, sender


async def a_day_passes(services: Services, sender: Sender) -> int:
    clock_of(services).advance(hours=25)
    ended = upload.expire_due(services)
    body = {"email": "member@acme.test", "password": people.PASSWORD}
    sender.browser.csrf = (await sender.browser.http.post("/api/v1/session", json=body)).json()["csrf"]
    return ended


def told(services: Services, address: str) -> list[str]:
    return [mail.subject for mail in outbox(services).mails if mail.to == address]


def interrupted(services: Services) -> list[str]:
    """Mails that tell the sender, in either language."""
    words = ("did not all arrive", "完了していません")
    return [subject for subject in told(services, "member@acme.test") if any(word in subject for word in words)]


def used(services: Services) -> int:
    with services.database.read() as tx:
        return usage.measure(tx).bytes


async def test_it_is_a_draft_again_and_its_sender_is_told_once(pair: Pair) -> None:
    services, sender = pair
    assert (await sender.shown())["state"] == "AwaitingFiles"
    assert used(services) == 15
    assert await a_day_passes(services, sender) == 1
    run_jobs(services)
    assert await a_day_passes(services, sender) == 0
    run_jobs(services)
    shown = await sender.shown()
    assert shown["state"] == "Draft"
    assert used(services) == 5
    assert len(interrupted(services)) == 1
    assert told(services, people.RECIPIENT) == []
    history = (await sender.browser.get(f"/transfers/{sender.transfer_id}/history")).json()["events"]
    assert [event["type"] for event in history if "expired" in event["type"] or "interrupted" in event["type"]] == [
        "mail.interrupted",
        "transfer.interrupted",
        "file.upload_expired",
    ]


async def test_the_rest_is_never_delivered_without_it(tmp_path: Path) -> None:
    services, sender = await world.world(tmp_path)
    scanner = services.scanner
    assert isinstance(scanner, MarkerScanner)
    scanner.down = True  # the whole file waits for its verdict, which comes last
    await sender.upload(b"whole")
    await sender.created(10)
    await sender.send()
    await a_day_passes(services, sender)
    scanner.down = False
    clock_of(services).advance(minutes=10)
    run_jobs(services)
    assert (await sender.shown())["state"] == "Draft"
    assert told(services, people.RECIPIENT) == []


async def test_the_file_is_added_anew_and_the_transfer_sent(pair: Pair) -> None:
    services, sender = pair
    await a_day_passes(services, sender)
    await sender.upload(b"0123456789")
    await sender.send()
    run_jobs(services)
    assert (await sender.shown())["state"] == "Delivered"
    assert len(told(services, people.RECIPIENT)) == 1
    assert interrupted(services) == []


async def test_it_is_cancelled_or_given_up_with_everything_that_is_left(pair: Pair) -> None:
    services, sender = pair
    await a_day_passes(services, sender)
    given_up = (await sender.shown())["expires_in"]
    assert (await sender.browser.post(f"/transfers/{sender.transfer_id}/cancel")).status_code == 204
    assert used(services) == 0
    second = Sender(sender.browser, await people.draft(sender.browser), sender.administrator)
    await second.upload(b"whole")
    await second.created(10)
    await second.send()
    await a_day_passes(services, second)
    clock_of(services).advance(seconds=given_up)
    run_jobs(services)
    assert used(services) == 0
    await a_day_passes(services, second)
    assert (await second.shown())["state"] == "Deleted"


async def test_a_draft_stays_what_it_was(tmp_path: Path) -> None:
    services, sender = await world.world(tmp_path)
    await sender.created(10)
    assert await a_day_passes(services, sender) == 1
    run_jobs(services)
    assert (await sender.shown())["state"] == "Draft"
    assert interrupted(services) == []
