"""A transfer moves only when it may, mails nobody early, and outlasts parts that are down."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

import people_world as world
from builders import MemoryBlobs, Outbox, client, make_services, outbox, run_jobs
from kozutumi_app.adapters.database.schema import audit_events, jobs
from kozutumi_app.services import Services
from kozutumi_app.use_cases import jobs as queue


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return make_services(tmp_path)


def mails_to_recipient(services: Services) -> int:
    return sum(mail.to == world.RECIPIENT for mail in outbox(services).mails)


async def test_delivery_waits_for_every_verdict(services: Services) -> None:
    sender = await world.administrator(services)
    transfer_id = await world.draft(sender)
    world.add_file(services, transfer_id)
    waiting = world.add_file(services, transfer_id, "Scanning")
    assert (await sender.post(f"/transfers/{transfer_id}/send")).json()["state"] == "AwaitingFiles"
    run_jobs(services)
    assert mails_to_recipient(services) == 0
    world.set_file_state(services, transfer_id, waiting, "Clean")
    run_jobs(services)
    assert (await sender.get(f"/transfers/{transfer_id}")).json()["state"] == "Delivered"
    assert mails_to_recipient(services) == 1
    assert (await sender.post(f"/transfers/{transfer_id}/send")).json()["state"] == "Delivered"
    run_jobs(services)
    assert mails_to_recipient(services) == 1


@pytest.mark.parametrize("verdict", ["Infected", "Unscannable"])
async def test_a_refused_file_keeps_all_back_and_tells_the_sender_only(services: Services, verdict: str) -> None:
    sender = await world.administrator(services)
    transfer_id = await world.draft(sender)
    world.add_file(services, transfer_id)
    bad = world.add_file(services, transfer_id, "Scanning")
    await sender.post(f"/transfers/{transfer_id}/send")
    world.set_file_state(services, transfer_id, bad, verdict)
    run_jobs(services)
    assert (await sender.get(f"/transfers/{transfer_id}")).json()["state"] == "AwaitingFiles"
    assert mails_to_recipient(services) == 0
    assert f"/transfers/{transfer_id}" in outbox(services).last_to(world.ADMINISTRATOR).text
    assert (await sender.post(f"/transfers/{transfer_id}/cancel")).status_code == 204


async def test_an_empty_transfer_is_not_sent_and_an_ended_one_not_changed(services: Services) -> None:
    sender = await world.administrator(services)
    transfer_id = await world.draft(sender)
    assert (await sender.post(f"/transfers/{transfer_id}/send")).json()["code"] == "not_deliverable"
    assert (await sender.post(f"/transfers/{transfer_id}/recall")).json()["code"] == "transfer_closed"
    assert (await sender.post(f"/transfers/{transfer_id}/cancel")).status_code == 204
    for action in ("send", "recall", "cancel"):
        assert (await sender.post(f"/transfers/{transfer_id}/{action}")).json()["code"] == "transfer_closed"


async def test_mail_waits_for_the_relay(services: Services) -> None:
    sender = await world.administrator(services)
    outbox(services).down = True
    transfer_id = await world.draft(sender)
    world.add_file(services, transfer_id)
    await sender.post(f"/transfers/{transfer_id}/send")
    assert run_jobs(services) == 1
    world.move(services, minutes=1)
    run_jobs(services)
    shown = (await sender.get(f"/transfers/{transfer_id}")).json()
    assert shown["recipients"][0]["mailed_at"] is None
    status = (await client(services, "internal").get("/internal/v1/status")).json()
    assert status["mail"]["queued"] == 1
    outbox(services).down = False
    world.move(services, minutes=1)
    run_jobs(services)
    assert mails_to_recipient(services) == 1
    assert (await sender.get(f"/transfers/{transfer_id}")).json()["recipients"][0]["mailed_at"] is not None


async def test_recall_ends_access_while_the_store_is_down_and_destroys_the_key_later(services: Services) -> None:
    sender = await world.administrator(services)
    transfer_id, link = await world.delivered(services, sender)
    blobs = services.blobs
    assert isinstance(blobs, MemoryBlobs)
    blobs.down = True
    assert (await sender.post(f"/transfers/{transfer_id}/recall")).status_code == 200
    assert (await client(services).get(f"/api/v1/r/{link}")).status_code == 410
    run_jobs(services)
    blobs.down = False
    assert len(blobs.objects) == 2
    world.move(services, minutes=1)
    run_jobs(services)
    assert blobs.objects == {}


async def test_a_draft_nobody_sends_is_given_up(services: Services) -> None:
    sender = await world.administrator(services)
    transfer_id = await world.draft(sender, expires_in=3600)
    world.add_file(services, transfer_id)
    world.move(services, seconds=3600)
    run_jobs(services)
    assert (await sender.get(f"/transfers/{transfer_id}")).json()["state"] == "Deleted"
    assert list(services.blobs.list("")) == []


async def test_draining_refuses_new_transfers_and_survives_a_restart(services: Services, tmp_path: Path) -> None:
    sender = await world.administrator(services)
    internal = client(services, "internal")
    answer = (await internal.post("/internal/v1/drain", json={})).json()
    assert answer == {"drained": True, "uploads": 0, "downloads": 0}
    refused = await sender.post("/transfers", {"recipients": [{"email": world.RECIPIENT}]})
    assert (refused.status_code, refused.json()["code"]) == (503, "draining")
    restarted = make_services(tmp_path)
    with restarted.database.read() as tx:
        types = tx.execute(sa.select(audit_events.c.type)).scalars().all()
    assert types.count("organization.draining") == 1


async def test_a_job_of_a_killed_app_runs_once_its_lease_is_over(services: Services) -> None:
    sender = await world.administrator(services)
    transfer_id = await world.draft(sender)
    world.add_file(services, transfer_id)
    await sender.post(f"/transfers/{transfer_id}/send")

    class Killed(Outbox):
        def check(self) -> None:
            raise SystemExit

    with pytest.raises(SystemExit):
        run_jobs(replace(services, mailer=Killed()))
    assert run_jobs(services) == 0
    world.move(services, minutes=5)
    assert run_jobs(services) == 1
    assert mails_to_recipient(services) == 1


async def test_a_defect_in_one_job_stops_no_other(services: Services) -> None:
    sender = await world.administrator(services)
    with services.database.write() as tx:
        queue.enqueue(tx, "mail", "nonsense:1", services.clock.now())
    await world.delivered(services, sender)
    assert mails_to_recipient(services) == 1
    with services.database.read() as tx:
        left = tx.execute(sa.select(jobs.c.last_error).where(jobs.c.kind == "mail")).scalars().all()
    assert left == ["internal"]


async def test_an_altered_audit_event_is_found(services: Services) -> None:
    admin = await world.administrator(services)
    await world.delivered(services, admin)
    with services.database.write() as tx:
        tx.execute(sa.update(audit_events).where(audit_events.c.sequence == 2).values(outcome="refused"))
    assert (await admin.get("/audit/verification")).json()["first_broken"] == 2


def content_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def test_nothing_personal_is_in_the_database_in_clear(services: Services, tmp_path: Path) -> None:
    admin = await world.administrator(services)
    _, link = await world.delivered(services, admin)
    http = client(services)
    code = await world.ask_for_code(services, http, link)
    await http.post(f"/api/v1/r/{link}/verify", json={"code": code})
    stored = content_of(tmp_path)
    token = admin.http.cookies["__Host-session"].partition(".")[0]
    for secret in (
        world.RECIPIENT,
        world.ADMINISTRATOR,
        "管理 太郎",
        "秘密.txt",
        "どうぞ",
        code,
        token,
        world.PASSWORD,
    ):
        assert secret.encode() not in stored, secret
    assert link.encode() in stored  # the decoy: what is not secret is found by the same search
