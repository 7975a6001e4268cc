"""A file without a verdict ends, and one with an old verdict is looked at again before it is delivered."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import people_world as people
import upload_world as world
from builders import MarkerScanner, MemoryBlobs, clock_of, make_settings, outbox, run_jobs
from kozutumi_app.adapters.database.schema import files, jobs
from kozutumi_app.domain.ports import ScannerStatus, Verdict
from kozutumi_app.domain.scanning import AFTER_START, MOST_ATTEMPTS
from kozutumi_app.errors import ScannerUnavailable
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit, scan, scan_demand, transfer_views
from kozutumi_app.use_cases.health import HealthMonitor
from kozutumi_app.use_cases.scan_watch import ScanWatch
from upload_world import Sender

CONTENT = bytes(range(256)) * 300


@dataclass
class Changing(MarkerScanner):
    """A scanner with a version of signatures, which may break off over the content, or answer `refusal` before it."""

    version: str = "1"
    breaks_off: bool = False
    refusal: str = ""
    scans: int = 0
    finds: bytes = b"INFECTED"

    def scan(self, chunks: Iterable[bytes]) -> Verdict:
        self.scans += 1
        if self.refusal:
            raise ScannerUnavailable(self.refusal)
        content = b"".join(chunks)
        if self.breaks_off:
            raise ScannerUnavailable("clamd_unavailable")
        found = super().scan([b"INFECTED" if self.finds in content else content])
        return replace(found, signature_version=self.version)

    def status(self) -> ScannerStatus:
        status = super().status()
        return replace(status, signature_version=self.version) if status.ok else status


async def organized(tmp_path: Path, **settings: Any) -> tuple[Services, Sender, Changing]:
    services, sender = await world.world(tmp_path, settings=make_settings(**settings))
    scanner = Changing(clock_of(services))
    return replace(services, scanner=scanner), sender, scanner


def shown(services: Services, sender: Sender) -> tuple[str, str, str]:
    """States of the transfer and of its first file, and the verdict's reason. Asked past sessions, which end sooner."""
    transfer = transfer_views.show(services, sender.browser.user["id"], sender.transfer_id)
    file = transfer.files[0]
    reason = json.loads(file.verdict)["reason"] if file.verdict else ""
    return transfer.state, file.state, reason


def pass_time(services: Services, step: timedelta, whole: timedelta) -> None:
    """Let the queue run at each step, as a process that is up would."""
    for _ in range(int(whole / step)):
        clock_of(services).advance(seconds=step.total_seconds())
        run_jobs(services)


async def sent(services: Services, sender: Sender, content: bytes = CONTENT) -> str:
    uploaded = await sender.upload(content)
    await sender.send()
    run_jobs(services)
    return uploaded


@pytest.mark.parametrize("trouble", ["down", "stale", "busy", "storage"])
async def test_a_file_without_a_verdict_ends_at_its_deadline(tmp_path: Path, trouble: str) -> None:
    services, sender, scanner = await organized(tmp_path)
    watch = ScanWatch(services, HealthMonitor(services))
    uploaded = await sender.upload(CONTENT)
    blobs = services.blobs
    assert isinstance(blobs, MemoryBlobs)
    scanner.down, scanner.refusal = trouble == "down", "busy" if trouble == "busy" else ""
    if trouble == "stale":
        scanner.published = services.clock.now() - timedelta(days=9)
    await sender.send()
    blobs.down = trouble == "storage"
    pass_time(services, timedelta(hours=1), timedelta(hours=23))
    assert shown(services, sender)[1] == "Scanning"
    pass_time(services, timedelta(minutes=30), timedelta(hours=2))
    watch.look()
    blobs.down = False
    assert shown(services, sender) == ("AwaitingFiles", "Unscannable", "timeout")
    run_jobs(services)
    assert [mail for mail in outbox(services).mails if mail.to == "member@acme.test" and "/transfers/" in mail.text]
    assert not [mail for mail in outbox(services).mails if mail.to == people.RECIPIENT]
    with services.database.read() as tx:
        assert not tx.execute(sa.select(jobs.c.subject_id).where(jobs.c.kind == "scan", jobs.c.state == "failed")).all()
    assert uploaded


async def test_content_over_which_the_scanner_breaks_off_is_tried_few_times(tmp_path: Path) -> None:
    services, sender, scanner = await organized(tmp_path)
    scanner.breaks_off = True
    await sent(services, sender)
    assert scanner.scans == 1
    pass_time(services, timedelta(minutes=1), timedelta(hours=1))
    assert scanner.scans == MOST_ATTEMPTS
    assert shown(services, sender) == ("AwaitingFiles", "Unscannable", "failed")


async def test_a_scanner_that_recovers_counts_what_it_finds(tmp_path: Path) -> None:
    services, sender, scanner = await organized(tmp_path)
    scanner.breaks_off = True
    await sent(services, sender)
    scanner.breaks_off = False
    pass_time(services, timedelta(seconds=6), timedelta(seconds=6))
    assert shown(services, sender) == ("Delivered", "Clean", "")
    with services.database.read() as tx:
        assert tx.execute(sa.select(files.c.scan_attempts, files.c.scan_since)).one() == (None, None)


async def test_many_in_the_queue_wait_no_longer_than_one(tmp_path: Path) -> None:
    """The watch ends what the one thread of scans, held up by others, never comes to."""
    services, sender, _ = await organized(tmp_path)
    watch = ScanWatch(services, HealthMonitor(services))
    for number in range(3):
        await sender.upload(CONTENT + bytes([number]))
    clock_of(services).advance(hours=24)
    watch.look()
    transfer = transfer_views.show(services, sender.browser.user["id"], sender.transfer_id)
    assert {file.state for file in transfer.files} == {"Unscannable"}


async def test_an_outage_of_the_app_itself_is_not_held_against_a_file(tmp_path: Path) -> None:
    services, sender, _ = await organized(tmp_path)
    await sender.upload(CONTENT)
    clock_of(services).advance(hours=48)
    assert scan.give_up_overdue(services, services.clock.now()) == 0
    clock_of(services).advance(seconds=AFTER_START.total_seconds())
    assert scan.give_up_overdue(services, services.clock.now() - AFTER_START) == 1


async def held(tmp_path: Path) -> tuple[Services, Sender, Changing]:
    services, sender, scanner = await organized(tmp_path, hold_for=3600)
    scanner.finds = b"nothing"
    await sent(services, sender, b"a new virus" * 500)
    assert shown(services, sender) == ("Held", "Clean", "")
    return services, sender, scanner


async def test_new_signatures_look_again_at_what_is_held(tmp_path: Path) -> None:
    services, sender, scanner = await held(tmp_path)
    health = HealthMonitor(services)
    watch = ScanWatch(services, health)
    scanner.version, scanner.finds = "2", b"virus"
    clock_of(services).advance(seconds=11)
    health.current()
    watch.look()
    run_jobs(services)
    state, file, _ = shown(services, sender)
    assert (state, file) == ("Held", "Infected")
    clock_of(services).advance(hours=2)
    run_jobs(services)
    assert shown(services, sender)[0] == "Held"
    assert not [mail for mail in outbox(services).mails if mail.to == people.RECIPIENT]


async def test_nothing_is_delivered_on_a_verdict_of_older_signatures(tmp_path: Path) -> None:
    """Nobody looked meanwhile: the end of the hold itself asks for a new verdict."""
    services, sender, scanner = await held(tmp_path)
    health = HealthMonitor(services)
    scanner.version, scanner.down = "2", True
    scans = scanner.scans
    scanner.down = False
    health.current()
    ScanWatch(services, health).look()
    with services.database.write() as tx:
        tx.execute(sa.delete(jobs).where(jobs.c.kind == "scan"))  # as if the queue had not come to it
    scanner.down = True
    clock_of(services).advance(hours=1)
    run_jobs(services)
    assert shown(services, sender) == ("Held", "Scanning", "")
    scanner.down = False
    clock_of(services).advance(seconds=6)
    run_jobs(services)
    assert scanner.scans == scans + 1
    assert shown(services, sender)[:2] == ("Delivered", "Clean")
    with services.database.read() as tx:
        types = [opened.event.type for opened in audit.page(tx, services, limit=500)]
    assert types.count("file.rescan") == 1
    assert types.count("file.verdict") == 2


async def test_a_verdict_older_than_the_policy_allows_is_renewed_before_delivery(tmp_path: Path) -> None:
    services, sender, scanner = await organized(tmp_path, hold_for=80 * 3600)
    await sent(services, sender)
    clock_of(services).advance(hours=80)
    run_jobs(services)
    assert shown(services, sender) == ("Delivered", "Clean", "")
    assert scanner.scans == 2


async def test_the_same_signatures_look_once_and_delivered_files_are_left_alone(tmp_path: Path) -> None:
    services, sender, scanner = await organized(tmp_path)
    health = HealthMonitor(services)
    watch = ScanWatch(services, health)
    await sent(services, sender)
    assert shown(services, sender)[0] == "Delivered"
    for version in ("1", "2", "3"):
        scanner.version = version
        clock_of(services).advance(seconds=11)
        health.current()
        watch.look()
        run_jobs(services)
    assert scanner.scans == 1


async def test_a_clean_file_stays_clean_while_it_cannot_be_looked_at_again(tmp_path: Path) -> None:
    services, sender, scanner = await held(tmp_path)
    health = HealthMonitor(services)
    scanner.version, scanner.breaks_off = "2", True
    clock_of(services).advance(seconds=11)
    health.current()
    ScanWatch(services, health).look()
    pass_time(services, timedelta(minutes=1), timedelta(minutes=50))
    assert shown(services, sender) == ("Held", "Clean", "")
    assert scanner.scans == 1 + MOST_ATTEMPTS


async def test_what_the_operator_is_told_of_the_demand(tmp_path: Path) -> None:
    services, sender, scanner = await organized(tmp_path, scanner_sleeps_after=600)

    def demand() -> tuple[bool, int]:
        with services.database.read() as tx:
            found = scan_demand.measure(tx, services)
        return found.scan_waiting, found.scan_idle_seconds

    health = HealthMonitor(services)
    ScanWatch(services, health).look()
    clock_of(services).advance(seconds=700)
    assert demand() == (False, 700)
    scanner.down = True
    assert not health.current().scanner_troubles
    url = await sender.created(len(CONTENT))
    assert demand() == (True, 0)
    clock_of(services).advance(minutes=11)
    assert demand() == (False, 660)  # nobody goes on with it: no reason to keep a scanner awake
    await sender.append(url, 0, CONTENT)
    assert demand() == (True, 0)
    assert health.current().scanner_troubles
    scanner.down = False
    run_jobs(services)
    clock_of(services).advance(seconds=5)
    assert demand() == (False, 5)
