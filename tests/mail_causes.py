"""What people do that has the app send each kind of mail. `test_mailed_links` fails for a kind that is not here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import pytest

import guest_world
import people_world as people
import policy_world
import upload_world
from builders import client, outbox, run_jobs
from kozutumi_app.domain.ports import Mail
from kozutumi_app.errors import MailRefused
from kozutumi_app.services import Services
from kozutumi_app.use_cases import upload


@dataclass
class MailWorld:
    """`sent`: the mails by their kind."""

    services: Services
    administrator: people.Browser
    member: people.Browser
    sent: dict[str, list[Mail]]


@contextmanager
def _refusing(services: Services, address: str) -> Iterator[None]:
    """The relay refuses this address for good."""
    box = outbox(services)
    kept = box.send

    def refuse(mail: Mail) -> None:
        if mail.to == address:
            raise MailRefused("5.1.1")
        kept(mail)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(box, "send", refuse)
        yield


async def _nothing(world: MailWorld) -> None:
    """The world itself had it sent."""


async def _delivery(world: MailWorld) -> None:
    await people.delivered(world.services, world.member)


async def _code(world: MailWorld) -> None:
    _, link = await people.delivered(world.services, world.member)
    await people.ask_for_code(world.services, client(world.services), link)


async def _resend(world: MailWorld) -> None:
    transfer_id, _ = await people.delivered(world.services, world.member)
    shown = (await world.member.get(f"/transfers/{transfer_id}")).json()
    (recipient,) = shown["recipients"]
    people.move(world.services, minutes=20)
    again = await world.member.post(f"/transfers/{transfer_id}/recipients/{recipient['recipient_id']}/resend")
    assert again.status_code == 202, again.text


async def _remind(world: MailWorld) -> None:
    transfer_id, _ = await people.delivered(world.services, world.member)
    people.move(world.services, minutes=20)
    assert (await world.member.post(f"/transfers/{transfer_id}/remind")).status_code == 202


async def _fetched(world: MailWorld) -> None:
    sender = upload_world.Sender(world.member, await people.draft(world.member), world.administrator)
    file_id = await upload_world.delivered(world.services, sender, b"content")
    http, link = await upload_world.recipient(world.services)
    assert (await upload_world.open_download(http, link, file_id)).status_code == 201
    assert (await http.get(f"/downloads/{file_id}")).content == b"content"


async def _unfetched(world: MailWorld) -> None:
    await people.delivered(world.services, world.member)
    people.move(world.services, days=6)


async def _problem(world: MailWorld) -> None:
    transfer_id = await people.draft(world.member)
    file_id = people.add_file(world.services, transfer_id, "Scanning")
    assert (await world.member.post(f"/transfers/{transfer_id}/send")).status_code == 200
    people.set_file_state(world.services, transfer_id, file_id, "Infected")


async def _undelivered(world: MailWorld) -> None:
    transfer_id = await people.draft(world.member)
    people.add_file(world.services, transfer_id)
    with _refusing(world.services, people.RECIPIENT):
        assert (await world.member.post(f"/transfers/{transfer_id}/send")).status_code == 200
        run_jobs(world.services)


async def _request(world: MailWorld) -> None:
    await guest_world.asked(world.services, world.member)


async def _request_code(world: MailWorld) -> None:
    await guest_world.guest(world.services, world.member)


async def _received(world: MailWorld) -> None:
    guest = await guest_world.guest(world.services, world.member)
    await guest.begin()
    await guest.upload("a", b"a")
    await guest.send()
    run_jobs(world.services)


async def _request_undelivered(world: MailWorld) -> None:
    with _refusing(world.services, guest_world.GUEST):
        assert (await world.member.post("/requests", guest_world.terms())).status_code == 201
        run_jobs(world.services)


async def _approval(world: MailWorld) -> tuple[policy_world.Company, people.Browser]:
    """A transfer that waits for one approver."""
    boss, other = [
        await people.member(world.services, world.administrator, f"{name}@acme.test") for name in ("boss", "other")
    ]
    company = policy_world.Company(world.services, world.administrator, world.member, boss, other)
    await policy_world.state(world.administrator, approval="Always", approvers=[policy_world.user(boss)])
    await policy_world.sent(company)
    return company, boss


async def _approval_request(world: MailWorld) -> None:
    await _approval(world)


async def _approval_refused(world: MailWorld) -> None:
    _, boss = await _approval(world)
    (line,) = await policy_world.waiting(boss)
    await policy_world.decide(boss, line["request_id"], "refuse", "no")


async def _approval_lapsed(world: MailWorld) -> None:
    await _approval(world)
    people.move(world.services, days=30)


async def _approval_shortage(world: MailWorld) -> None:
    _, boss = await _approval(world)
    await world.administrator.post(f"/members/{boss.user['id']}/disable")


async def _interrupted(world: MailWorld) -> None:
    sender = upload_world.Sender(world.member, await people.draft(world.member), world.administrator)
    await sender.created(10)
    assert (await world.member.post(f"/transfers/{sender.transfer_id}/send")).status_code == 200
    people.move(world.services, hours=25)
    upload.expire_due(world.services)


async def _quarantine(world: MailWorld) -> None:
    guest = await guest_world.guest(world.services, world.member)
    await guest.begin()
    await guest.upload("a", b"INFECTED")
    run_jobs(world.services)
    people.move(world.services, minutes=6)


# A new kind of mail needs an entry: what has the app send it.
CAUSES: Final[dict[str, Callable[[MailWorld], Awaitable[None]]]] = {
    "approval_lapsed": _approval_lapsed,
    "approval_refused": _approval_refused,
    "approval_request": _approval_request,
    "approval_shortage": _approval_shortage,
    "code": _code,
    "delivery": _delivery,
    "fetched": _fetched,
    "interrupted": _interrupted,
    "invitation": _nothing,
    "problem": _problem,
    "quarantine": _quarantine,
    "received": _received,
    "redelivery": _resend,
    "reminder": _remind,
    "request": _request,
    "request_code": _request_code,
    "request_undelivered": _request_undelivered,
    "undelivered": _undelivered,
    "unfetched": _unfetched,
}
