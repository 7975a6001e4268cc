"""What the scanner refused: who sees what of it, who may let it through, and what the recipient is told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import people_world as people
import upload_world as world
from builders import MarkerScanner, clock_of, make_settings, outbox, run_jobs
from kozutumi_app.adapters.database.schema import files
from kozutumi_app.domain.ports import ScannerStatus, Verdict
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit, readability
from upload_world import Sender

CONTENT = b"a secret archive" * 5000
COMMENT = {"comment": "電話で確認済み"}


class Locked(MarkerScanner):
    """A scanner for which every file is encrypted, until told otherwise."""

    locked = True

    def scan(self, chunks: Any) -> Verdict:
        found = super().scan(chunks)
        return replace(found, verdict="unscannable", reason="encrypted") if self.locked else found


async def organized(tmp_path: Path, policy: str = "AdministratorRelease") -> tuple[Services, Sender]:
    services, sender = await world.world(tmp_path, settings=make_settings(unscannable=policy))
    services = replace(services, scanner=Locked(clock_of(services)))
    return services, sender


def scanner_of(services: Services) -> Locked:
    assert isinstance(services.scanner, Locked)
    return services.scanner


async def refused(services: Services, sender: Sender, content: bytes = CONTENT) -> str:
    uploaded = await sender.upload(content)
    await sender.send()
    run_jobs(services)
    return uploaded


def events(services: Services, type: str) -> list[tuple[str, dict[str, str]]]:
    with services.database.read() as tx:
        assert audit.verify(tx) is None
        found = audit.page(tx, services, type_prefix=type, limit=500)
    return [(opened.event.outcome, dict(opened.details or {})) for opened in found]


async def quarantine(sender: Sender) -> list[dict[str, Any]]:
    answer = await sender.administrator.get("/quarantine")
    assert answer.status_code == 200, answer.text
    listed: list[dict[str, Any]] = answer.json()["files"]
    return listed


async def test_a_released_file_is_delivered_and_said_to_be_unscanned(tmp_path: Path) -> None:
    services, sender = await organized(tmp_path)
    uploaded = await refused(services, sender)
    shown = (await quarantine(sender))[0]
    assert (shown["id"], shown["reason"], shown["releasable"]) == (uploaded, "encrypted", True)
    assert (shown["name"], shown["sender"], shown["size"]) == (world.NAME, "member@acme.test", len(CONTENT))
    assert not [mail for mail in outbox(services).mails if mail.to == people.RECIPIENT]
    answer = await sender.administrator.post(f"/quarantine/{uploaded}/release", COMMENT)
    assert answer.json() == {"id": uploaded, "state": "Released"}
    run_jobs(services)
    transfer = await sender.shown()
    assert (transfer["state"], transfer["files"][0]["state"]) == ("Delivered", "Unscannable")
    http, link = await world.recipient(services)
    listed = (await http.get(f"/api/v1/r/{link}/files")).json()["files"][0]
    assert listed["unscanned"] is True
    page = (await http.get(f"/r/{link}/files?lang=en")).text
    assert "Not scanned for viruses" in page
    assert "All files were scanned" not in page
    opened = await world.open_download(http, link, uploaded)
    assert (await http.get(opened.json()["url"])).content == CONTENT
    [(outcome, details)] = events(services, "file.released")
    assert (outcome, details["comment"], details["reason"]) == ("ok", COMMENT["comment"], "encrypted")


@pytest.mark.parametrize(
    ("policy", "status", "then"), [("AdministratorRelease", 200, "AwaitingFiles"), ("Reject", 409, "Draft")]
)
async def test_a_scanner_quicker_than_its_sender_changes_nothing(
    tmp_path: Path, policy: str, status: int, then: str
) -> None:
    """What may still be released is sent and waits for that; what nobody can release is said at once."""
    services, sender = await organized(tmp_path, policy)
    uploaded = await sender.upload(CONTENT)
    run_jobs(services)
    assert (await sender.shown())["files"][0]["state"] == "Unscannable"
    answer = await sender.browser.post(f"/transfers/{sender.transfer_id}/send")
    assert (answer.status_code, (await sender.shown())["state"]) == (status, then)
    answer = await sender.administrator.post(f"/quarantine/{uploaded}/release", COMMENT)
    run_jobs(services)
    assert (await sender.shown())["state"] == ("Delivered" if answer.status_code == 200 else then)


async def test_where_the_policy_is_to_reject_nobody_releases(tmp_path: Path) -> None:
    services, sender = await organized(tmp_path, "Reject")
    uploaded = await refused(services, sender)
    assert (await quarantine(sender))[0]["releasable"] is False
    answer = await sender.administrator.post(f"/quarantine/{uploaded}/release", COMMENT)
    assert (answer.status_code, answer.json()["code"]) == (403, "release_not_allowed")
    assert [outcome for outcome, _ in events(services, "file.release_refused")] == ["release_not_allowed"]
    assert (await sender.shown())["state"] == "AwaitingFiles"


async def test_a_virus_is_never_released(tmp_path: Path) -> None:
    services, sender = await organized(tmp_path)
    scanner_of(services).locked = False
    uploaded = await refused(services, sender, b"INFECTED" * 100)
    shown = (await quarantine(sender))[0]
    assert (shown["state"], shown["signature"], shown["releasable"]) == ("Infected", "Test.Marker", False)
    answer = await sender.administrator.post(f"/quarantine/{uploaded}/release", COMMENT)
    assert answer.json()["code"] == "not_releasable"
    with services.database.write() as tx:  # what someone with the database but not the keys could write
        tx.execute(sa.update(files).values(state="Unscannable"))
    answer = await sender.administrator.post(f"/quarantine/{uploaded}/release", COMMENT)
    assert answer.json()["code"] == "not_releasable"


async def test_a_release_is_of_that_content_alone_and_ends_with_the_policy(tmp_path: Path) -> None:
    services, sender = await organized(tmp_path)
    uploaded = await refused(services, sender)
    await sender.administrator.post(f"/quarantine/{uploaded}/release", COMMENT)
    run_jobs(services)
    http, link = await world.recipient(services)
    with services.database.read() as tx:
        row = tx.execute(sa.select(files.c.manifest_id, files.c.release_sealed)).one()
    for changed in ({"manifest_id": "another"}, {"release_sealed": b""}, {"release_sealed": None}):
        with services.database.write() as tx:
            tx.execute(sa.update(files).values(**changed))
        assert (await world.open_download(http, link, uploaded)).status_code in {404, 500, 503}
        with services.database.write() as tx:
            tx.execute(sa.update(files).values(manifest_id=row.manifest_id, release_sealed=row.release_sealed))
    strict = replace(services, settings=replace(services.settings, unscannable="Reject"))
    with services.database.read() as tx:
        stored = tx.execute(sa.select(files)).one()
    assert readability.is_readable(services, stored)
    assert not readability.is_readable(strict, stored)


async def test_a_member_sees_no_quarantine_and_a_comment_is_needed(tmp_path: Path) -> None:
    services, sender = await organized(tmp_path)
    uploaded = await refused(services, sender)
    assert (await sender.browser.get("/quarantine")).status_code == 403
    assert (await sender.browser.post(f"/quarantine/{uploaded}/release", COMMENT)).status_code == 403
    assert (await sender.browser.post(f"/quarantine/{uploaded}/scan")).status_code == 403
    for comment in ("", "  ", "x" * 501):
        answer = await sender.administrator.post(f"/quarantine/{uploaded}/release", {"comment": comment})
        assert answer.status_code == 422
    assert (await sender.administrator.post("/quarantine/nothing/release", COMMENT)).status_code == 404
    assert events(services, "file.released") == []


async def test_an_unscannable_file_can_be_scanned_again(tmp_path: Path) -> None:
    services, sender = await organized(tmp_path, "Reject")
    uploaded = await refused(services, sender)
    scanner_of(services).locked = False
    assert (await sender.administrator.post(f"/quarantine/{uploaded}/scan")).json()["state"] == "Scanning"
    run_jobs(services)
    assert (await sender.shown())["state"] == "Delivered"
    assert (await sender.administrator.post(f"/quarantine/{uploaded}/scan")).status_code == 404


async def test_nothing_is_released_once_its_transfer_is_over(tmp_path: Path) -> None:
    services, sender = await organized(tmp_path)
    uploaded = await refused(services, sender)
    assert (await sender.browser.post(f"/transfers/{sender.transfer_id}/cancel")).status_code == 204
    assert (await sender.administrator.post(f"/quarantine/{uploaded}/release", COMMENT)).status_code == 404
    assert await quarantine(sender) == []


async def test_administrators_are_told_once_and_the_sender_too(tmp_path: Path) -> None:
    services, sender = await organized(tmp_path)
    for number in range(3):
        await sender.upload(CONTENT + bytes([number]))
    await sender.send()
    run_jobs(services)
    told = [mail for mail in outbox(services).mails if "隔離" in mail.subject]
    assert told == []  # gathered for some minutes
    clock_of(services).advance(minutes=6)
    run_jobs(services)
    [mail] = [mail for mail in outbox(services).mails if "隔離" in mail.subject or "quarantine" in mail.subject]
    assert "/quarantine" in mail.text
    assert "3" in mail.subject
    assert world.NAME not in mail.text
    assert [mail for mail in outbox(services).mails if mail.to == "member@acme.test" and "/transfers/" in mail.text]


async def test_the_page_of_the_quarantine(tmp_path: Path) -> None:
    services, sender = await organized(tmp_path)
    uploaded = await refused(services, sender)
    http = sender.administrator.http
    for language, heading in (("en", "Quarantine"), ("ja", "隔離")):
        page = (await http.get(f"/quarantine?lang={language}")).text
        assert f"<h1>{heading}</h1>" in page
        assert world.NAME in page
    form = {"csrf": sender.administrator.csrf, "comment": "checked"}
    answer = await http.post(
        f"/quarantine/{uploaded}/release", data=form, headers={"Origin": services.settings.public_url}
    )
    assert answer.status_code == 303, answer.text
    again = await http.post(
        f"/quarantine/{uploaded}/release", data=form, headers={"Origin": services.settings.public_url}
    )
    assert again.status_code in {404, 409}


async def test_what_cannot_be_scanned_is_said_beforehand(tmp_path: Path) -> None:
    settings = make_settings(unscannable="AdministratorRelease", max_file_size=6 * 2**30)
    services, sender = await world.world(tmp_path, settings=settings)
    limits = (await sender.browser.get("/limits")).json()
    assert (limits["max_scannable_size"], limits["unscannable"]) == (2**31 - 1, "AdministratorRelease")
    page = (await sender.browser.http.get(f"/transfers/{sender.transfer_id}?lang=en")).text
    assert "cannot be scanned for viruses: it waits until an administrator" in page

    class Small(MarkerScanner):
        def status(self) -> ScannerStatus:
            return replace(super().status(), max_scan_size=40_000)

    services = replace(services, scanner=Small(clock_of(services)))
    uploaded = await refused(services, sender)
    assert (await sender.browser.get("/limits")).json()["max_scannable_size"] == 40_000
    file = (await sender.shown())["files"][0]
    assert (file["id"], file["state"]) == (uploaded, "Unscannable")
    assert json.loads(file["verdict"])["reason"] == "too_large"


@pytest.mark.parametrize("outcome", ["clean", "unscannable"])
async def test_the_verdict_tells_why(tmp_path: Path, outcome: str) -> None:
    services, sender = await organized(tmp_path)
    scanner_of(services).locked = outcome == "unscannable"
    await refused(services, sender)
    file = (await sender.shown())["files"][0]
    assert json.loads(file["verdict"])["verdict"] == outcome
    assert file["unscanned"] is False
