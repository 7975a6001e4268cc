"""The mail queue and a relay with real TLS: what is tried again, what is given up, what is told to whom."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

import people_world as people
from builders import client, make_services, make_settings, run_jobs
from certificates import Authority
from kozutumi_app.adapters.database.schema import jobs, mails, recipients
from kozutumi_app.adapters.mail import SmtpMailer
from kozutumi_app.domain import mail_rules
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit
from kozutumi_contract import tls
from returned_mail import report
from smtp_sink import CUT, Sink

BOUNCES = "bounces@mail.kozutumi.test"


@pytest.fixture
def authority() -> Authority:
    return Authority("platform")


@pytest.fixture
def sink(authority: Authority, tmp_path: Path) -> Iterator[Sink]:
    context: ssl.SSLContext = tls.server_context(
        authority.issue(tmp_path / "relay", ["localhost"]), require_client=False
    ).context
    with Sink(context).running() as running:
        yield running


class World:
    """A member's delivered transfer whose mail is not sent yet, and the relay that will be asked."""

    def __init__(self, services: Services, sender: people.Browser, transfer_id: str) -> None:
        self.services, self.sender, self.transfer_id = services, sender, transfer_id
        self.sent: list[Any] = []

    def run(self) -> None:
        run_jobs(self.services)

    def recipient(self) -> Any:
        with self.services.database.read() as tx:
            return tx.execute(sa.select(recipients).where(recipients.c.transfer_id == self.transfer_id)).one()

    def waiting(self) -> Any:
        subject = f"delivery:{self.recipient().id}"
        with self.services.database.read() as tx:
            return tx.execute(sa.select(jobs).where(jobs.c.subject_id == subject)).one_or_none()

    def events(self, type: str) -> list[str]:
        with self.services.database.read() as tx:
            found = audit.page(tx, self.services, object_id=self.transfer_id, type_prefix=type)
        return [event.event.outcome for event in found]


@pytest.fixture
async def world(sink: Sink, authority: Authority, tmp_path: Path) -> AsyncIterator[World]:
    settings = make_settings(smtp_host="localhost", smtp_port=sink.port, bounce_address=BOUNCES)
    services = make_services(tmp_path, settings=settings)
    sender = await people.member(services, await people.administrator(services), "member@acme.test")
    run_jobs(services)
    (tmp_path / "ca.crt").write_bytes(authority.pem)
    mailer = SmtpMailer(settings, tls.client_context(tmp_path / "ca.crt").context, services.clock)
    transfer_id = await people.draft(sender)
    people.add_file(services, transfer_id)
    services = replace(services, mailer=mailer)
    assert (await sender.post(f"/transfers/{transfer_id}/send")).json()["state"] == "Delivered"
    yield World(services, sender, transfer_id)
    services.database.close()


def sent_to(sink: Sink, address: str) -> list[EmailMessage]:
    return [message for message in sink.messages if address in str(message["To"])]


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


async def test_a_refusal_for_now_is_tried_again_later_and_later_until_it_is_taken(world: World, sink: Sink) -> None:
    sink.script["RCPT"] = ["451 4.7.1 greylisted"] * 3
    delays = []
    for _ in range(3):
        world.run()
        waiting, now = world.waiting(), world.services.clock.now()
        assert waiting.last_error == "mail_deferred"
        delays.append((waiting.run_at - now).total_seconds())
        assert sink.messages == []
        world.run()  # nothing is due before its time
        people.move(world.services, seconds=delays[-1])
        people.move(world.services, seconds=30 * len(delays))
    assert delays == sorted(delays)
    assert len(set(delays)) == 3
    world.run()
    assert world.waiting() is None
    assert len(sent_to(sink, "outside.test")) == 1
    assert (world.recipient().mail_state, world.recipient().mailed_at) == ("sent", world.services.clock.now())
    assert world.events("mail.delivery") == ["ok"]


async def test_a_refusal_for_good_is_seen_by_the_sender(world: World, sink: Sink) -> None:
    sink.script["RCPT"] = ["550 5.1.1 no such user"]
    world.run()
    assert world.waiting() is None
    recipient = world.recipient()
    assert (recipient.mail_state, recipient.mail_status, recipient.mailed_at) == ("refused", "5.1.1", None)
    assert world.events("mail.delivery") == ["mail_refused"]
    (notice,) = sink.messages
    assert str(notice["To"]) == "member@acme.test"
    body = text_of(notice)
    assert people.RECIPIENT in body
    assert "5.1.1" in body
    assert f"/transfers/{world.transfer_id}" in body
    world.run()
    assert len(sink.messages) == 1


@pytest.mark.parametrize("answer", ["552 5.3.4 too big", "554 no"])
async def test_content_that_is_refused_for_good_is_not_tried_for_ever(world: World, sink: Sink, answer: str) -> None:
    sink.script["CONTENT"] = [answer]
    world.run()
    assert world.waiting() is None
    assert world.recipient().mail_state == "refused"


async def test_a_connection_that_breaks_before_the_answer_leaves_one_mail(world: World, sink: Sink) -> None:
    """The relay may have the message: the second one has the same Message-ID, by which a double is known."""
    sink.script["CONTENT"] = [CUT]
    world.run()
    assert world.waiting().last_error == "mail_unavailable"
    assert world.recipient().mail_state is None
    people.move(world.services, minutes=1)
    world.run()
    first, second = sent_to(sink, "outside.test")
    assert first["Message-ID"] == second["Message-ID"]
    assert text_of(first) == text_of(second)
    assert world.events("mail.delivery") == ["ok"]


async def test_a_code_that_is_mailed_twice_is_the_same_code(world: World, sink: Sink) -> None:
    world.run()
    http, link = client(world.services), world.recipient().link_id
    sink.messages.clear()
    sink.script["CONTENT"] = [CUT]
    assert (await http.post(f"/api/v1/r/{link}/code")).status_code == 202
    world.run()
    people.move(world.services, seconds=30)
    world.run()
    texts = [text_of(message) for message in sent_to(sink, "outside.test")]
    assert len(texts) == 2
    assert texts[0] == texts[1]
    code = next(line for line in texts[0].splitlines() if line.isdecimal())
    assert (await http.post(f"/api/v1/r/{link}/verify", json={"code": code})).status_code == 200


async def test_another_asking_is_another_mail(world: World, sink: Sink) -> None:
    world.run()
    http, link = client(world.services), world.recipient().link_id
    for _ in range(2):
        assert (await http.post(f"/api/v1/r/{link}/code")).status_code == 202
        world.run()
        people.move(world.services, minutes=2)
    assert len({message["Message-ID"] for message in sink.messages}) == 3


async def test_a_mail_is_given_up_in_the_end_and_the_sender_told(world: World, sink: Sink) -> None:
    sink.script["RCPT"] = ["451 4.7.1 not today"]
    world.run()
    people.move(world.services, seconds=mail_rules.GIVE_UP_AFTER.total_seconds() - 1)
    sink.script["RCPT"] = ["451 4.7.1 not today"] * 2
    world.run()
    assert world.waiting() is not None
    people.move(world.services, minutes=15)
    world.run()
    assert world.waiting() is None
    assert world.recipient().mail_state == "given_up"
    assert world.events("mail.delivery") == ["mail_given_up"]
    assert len(sent_to(sink, "member@acme.test")) == 1


async def test_a_relay_that_asks_for_reports_gets_what_names_the_mail(world: World, sink: Sink) -> None:
    sink.extensions = ("SMTPUTF8", "8BITMIME", "DSN")
    world.run()
    mail_id = sink.messages[0]["Message-ID"].strip("<>").partition("@")[0]
    mail, rcpt = sink.envelopes
    assert mail.startswith(f"mail FROM:<bounces+{world.services.settings.service_code}{mail_id}@mail.kozutumi.test>")
    assert f"ENVID={mail_id}" in mail.split()
    assert "RET=HDRS" in mail.split()
    assert "NOTIFY=FAILURE,DELAY" in rcpt.split()


async def bring(services: Services, raw: bytes, kind: str = "message/rfc822") -> httpx.Response:
    async with client(services, "internal") as http:
        return await http.post("/internal/v1/bounces", content=raw, headers={"Content-Type": kind})


async def test_a_report_that_comes_back_is_seen_by_the_sender_once(world: World, sink: Sink) -> None:
    world.run()
    with world.services.database.read() as tx:
        mail_id = tx.execute(sa.select(mails.c.id).where(mails.c.kind == "delivery")).scalar_one()
    delayed = await bring(world.services, report(mail_id, "delayed", "4.4.1"))
    assert (delayed.status_code, delayed.json()) == (200, {"state": "delayed"})
    world.run()
    assert sent_to(sink, "member@acme.test") == []
    for _ in range(2):
        assert (await bring(world.services, report(mail_id))).json() == {"state": "bounced"}
        world.run()
    assert (world.recipient().mail_state, world.recipient().mail_status) == ("bounced", "5.1.1")
    assert world.events("mail.bounced") == ["mail_bounced"]
    assert world.events("mail.delayed") == ["mail_delayed"]
    assert len(sent_to(sink, "member@acme.test")) == 1


async def test_a_report_that_names_no_mail_of_ours_changes_nothing(world: World, sink: Sink) -> None:
    world.run()
    before = _database(world.services)
    forged = ["a" * 26, "delivery", world.recipient().id, world.recipient().link_id, "' OR 1=1 --"]
    for mail_id in forged:
        assert (await bring(world.services, report(mail_id))).json() == {"state": None}
    assert (await bring(world.services, b"hello")).json() == {"state": None}
    assert (await bring(world.services, report("a" * 26), "text/plain")).status_code == 422
    assert (await bring(world.services, b"x" * 70_000)).status_code == 413
    assert _database(world.services) == before
    assert len(sink.messages) == 1


def _database(services: Services) -> dict[str, list[Any]]:
    with services.database.read() as tx:
        names = tx.execute(sa.text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()
        return {name: [tuple(row) for row in tx.execute(sa.text(f'SELECT * FROM "{name}"'))] for name in names}  # noqa: S608
