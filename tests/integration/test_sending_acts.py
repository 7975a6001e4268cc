"""What a sender does before and after sending, and what is refused; each is in the audit log."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import people_world as world
from builders import client, link_id, make_services, make_settings, outbox, run_jobs
from kozutumi_app.adapters.database.schema import audit_events, files, recipients, transfers
from kozutumi_app.domain.authentication import Authentication
from kozutumi_app.services import Services

LATER = "あとから@outside.test"


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return make_services(tmp_path)


def mails_to(services: Services, address: str) -> int:
    return sum(mail.to == address for mail in outbox(services).mails)


def outcomes(services: Services, type: str) -> list[str]:
    query = sa.select(audit_events.c.outcome).where(audit_events.c.type == type).order_by(audit_events.c.sequence)
    with services.database.read() as tx:
        return list(tx.execute(query).scalars())


async def shown(sender: world.Browser, transfer_id: str) -> Any:
    return (await sender.get(f"/transfers/{transfer_id}")).json()


async def patch(sender: world.Browser, transfer_id: str, **changes: Any) -> Any:
    headers = {"X-CSRF-Token": sender.csrf}
    return await sender.http.patch(f"/api/v1/transfers/{transfer_id}", json=changes, headers=headers)


async def remove(sender: world.Browser, transfer_id: str, recipient_id: str) -> Any:
    headers = {"X-CSRF-Token": sender.csrf}
    return await sender.http.delete(f"/api/v1/transfers/{transfer_id}/recipients/{recipient_id}", headers=headers)


async def test_a_draft_is_changed_field_by_field_until_it_is_sent(services: Services) -> None:
    sender = await world.administrator(services)
    transfer_id = await world.draft(sender)
    changes = {"subject": "新しい件名", "recipients": [{"email": LATER}], "expires_in": 86_400, "hold_for": 600}
    edited = (await patch(sender, transfer_id, **changes)).json()
    assert (edited["subject"], edited["message"], edited["expires_in"]) == ("新しい件名", "どうぞ", 86_400)
    assert [to["email"] for to in edited["recipients"]] == [LATER]
    world.add_file(services, transfer_id)
    assert (await sender.post(f"/transfers/{transfer_id}/send")).json()["state"] == "Held"
    assert (await patch(sender, transfer_id, subject="x")).json()["code"] == "transfer_closed"
    assert outcomes(services, "transfer.edited") == ["ok"]
    assert outcomes(services, "transfer.refused") == ["transfer_closed"]


async def test_who_was_removed_stays_out_when_an_approver_sends_the_draft_back(services: Services) -> None:
    sender = await world.administrator(services)
    transfer_id = await world.draft(sender, recipients=[{"email": world.RECIPIENT}, {"email": LATER}])
    gone = next(to for to in (await shown(sender, transfer_id))["recipients"] if to["email"] == LATER)
    with services.database.write() as tx:
        revoked = sa.update(recipients).where(recipients.c.id == gone["recipient_id"])
        tx.execute(revoked.values(revoked_at=services.clock.now()))
    assert len((await patch(sender, transfer_id, subject="x")).json()["recipients"]) == 1
    both = [{"email": world.RECIPIENT}, {"email": LATER}]
    back = (await patch(sender, transfer_id, recipients=both)).json()["recipients"]
    assert [to["revoked_at"] for to in back] == [None, None]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"recipients": []}, "invalid_input"),
        ({"recipients": [{"email": "not an address"}]}, "invalid_input"),
        ({"recipients": [{"email": "a@blocked.test"}]}, "recipient_refused"),
        ({"subject": "x" * 201}, "invalid_input"),
        ({"subject": "two\nlines"}, "invalid_input"),
        ({"expires_in": 31 * 86_400}, "invalid_input"),
        ({"max_downloads": 11}, "invalid_input"),
        ({"hold_for": 31 * 86_400}, "invalid_input"),
        ({"authentication": "Link"}, "proof_too_weak"),
        ({"authentication": "Handshake"}, "invalid_input"),
        ({"authentication": "Account"}, "recipient_refused"),
        ({"authentication": "Password", "password": "short"}, "weak_password"),
        ({"password": "correct horse battery"}, "invalid_input"),
        ({"notify": "Always"}, "invalid_input"),
    ],
)
async def test_what_policy_or_sense_forbids_is_refused_and_recorded(
    tmp_path: Path, changes: dict[str, Any], code: str
) -> None:
    services = make_services(tmp_path, settings=make_settings(blocked_domains=("blocked.test",)))
    sender = await world.administrator(services)
    body = {"recipients": [{"email": world.RECIPIENT}], **changes}
    assert (await sender.post("/transfers", body)).json()["code"] == code
    transfer_id = await world.draft(sender)
    before = await shown(sender, transfer_id)
    assert (await patch(sender, transfer_id, **changes)).json()["code"] == code
    assert await shown(sender, transfer_id) == before
    assert outcomes(services, "transfer.refused") == [code, code]


async def test_what_was_allowed_when_drafted_is_asked_again_when_sent(services: Services) -> None:
    sender = await world.administrator(services)
    transfer_id = await world.draft(sender)
    world.add_file(services, transfer_id)
    with services.database.write() as tx:
        tx.execute(sa.update(transfers).values(authentication=Authentication.LINK.value))
    assert (await sender.post(f"/transfers/{transfer_id}/send")).json()["code"] == "proof_too_weak"
    assert (await shown(sender, transfer_id))["state"] == "Draft"


@pytest.mark.parametrize("state", ["Draft", "AwaitingFiles", "Held", "AwaitingApproval"])
async def test_a_transfer_is_cancelled_in_every_state_before_delivery(services: Services, state: str) -> None:
    sender = await world.administrator(services)
    transfer_id = await world.draft(sender)
    world.add_file(services, transfer_id, "Scanning")
    with services.database.write() as tx:
        tx.execute(sa.update(transfers).where(transfers.c.id == transfer_id).values(state=state))
    assert (await sender.post(f"/transfers/{transfer_id}/cancel")).status_code == 204
    run_jobs(services)
    assert (await shown(sender, transfer_id))["state"] == "Deleted"
    assert list(services.blobs.list("")) == []
    assert mails_to(services, world.RECIPIENT) == 0
    with services.database.read() as tx:
        assert tx.execute(sa.select(files.c.id).where(files.c.deleted_at.is_(None))).all() == []


async def test_who_is_added_after_delivery_is_told_at_once_and_has_a_link_of_their_own(services: Services) -> None:
    sender = await world.administrator(services)
    transfer_id, link = await world.delivered(services, sender)
    answer = await sender.post(f"/transfers/{transfer_id}/recipients", {"email": LATER, "locale": "ja"})
    assert answer.status_code == 201, answer.text
    run_jobs(services)
    theirs = link_id(outbox(services).last_to(LATER))
    assert theirs != link
    assert (await client(services).get(f"/api/v1/r/{theirs}")).status_code == 200
    again = await sender.post(f"/transfers/{transfer_id}/recipients", {"email": LATER.upper()})
    assert again.json()["code"] == "already_recipient"
    assert outcomes(services, "recipient.added") == ["ok"]


async def test_who_is_added_counts_against_policy_and_waits_as_long_as_all(tmp_path: Path) -> None:
    settings = make_settings(blocked_domains=("blocked.test",), hold_for=600)
    services = make_services(tmp_path, settings=settings)
    sender = await world.administrator(services)
    transfer_id = await world.draft(sender)
    world.add_file(services, transfer_id)
    assert (await sender.post(f"/transfers/{transfer_id}/send")).json()["state"] == "Held"
    refused = await sender.post(f"/transfers/{transfer_id}/recipients", {"email": "a@blocked.test"})
    assert refused.json()["code"] == "recipient_refused"
    world.move(services, seconds=600)
    run_jobs(services)
    assert (await sender.post(f"/transfers/{transfer_id}/recipients", {"email": LATER})).status_code == 201
    run_jobs(services)
    assert mails_to(services, LATER) == 0
    world.move(services, seconds=600)
    run_jobs(services)
    assert mails_to(services, LATER) == 1


async def test_nobody_is_added_past_an_approver(tmp_path: Path) -> None:
    services = make_services(tmp_path)
    sender = await world.administrator(services)
    transfer_id, _ = await world.delivered(services, sender)
    strict = replace(services, settings=make_settings(approval="External"))
    sender = await world.signed_in(strict, str(sender.http.cookies["__Host-session"]))
    added = await sender.post(f"/transfers/{transfer_id}/recipients", {"email": LATER})
    assert added.json()["code"] == "approval_needed"
    longer = await sender.post(f"/transfers/{transfer_id}/expiry", {"expires_in": 20 * 86_400})
    assert longer.json()["code"] == "approval_needed"
    assert (await sender.post(f"/transfers/{transfer_id}/expiry", {"expires_in": 86_400})).status_code == 200


async def test_who_is_removed_gets_410_at_once_and_the_others_stay(services: Services) -> None:
    sender = await world.administrator(services)
    both = [{"email": world.RECIPIENT, "locale": "ja"}, {"email": LATER, "locale": "ja"}]
    transfer_id, link = await world.delivered(services, sender, recipients=both)
    other = link_id(outbox(services).last_to(LATER))
    ids = {to["email"]: to["recipient_id"] for to in (await shown(sender, transfer_id))["recipients"]}
    assert (await remove(sender, transfer_id, ids[world.RECIPIENT])).status_code == 204
    assert (await client(services).get(f"/api/v1/r/{link}")).status_code == 410
    assert (await client(services).get(f"/api/v1/r/{other}")).status_code == 200
    assert (await remove(sender, transfer_id, ids[world.RECIPIENT])).status_code == 404
    assert (await remove(sender, transfer_id, ids[LATER])).json()["code"] == "last_recipient"
    back = await sender.post(f"/transfers/{transfer_id}/recipients", {"email": world.RECIPIENT})
    assert back.json()["id"] == ids[world.RECIPIENT]
    run_jobs(services)
    assert (await client(services).get(f"/api/v1/r/{link}")).status_code == 404  # the old link stays dead
    fresh = link_id(outbox(services).last_to(world.RECIPIENT))
    assert (await client(services).get(f"/api/v1/r/{fresh}")).status_code == 200
    assert outcomes(services, "recipient.removed") == ["ok"]


async def test_a_link_is_mailed_again_but_not_without_end(services: Services) -> None:
    sender = await world.administrator(services)
    transfer_id, link = await world.delivered(services, sender)
    recipient_id = (await shown(sender, transfer_id))["recipients"][0]["recipient_id"]
    path = f"/transfers/{transfer_id}/recipients/{recipient_id}/resend"
    for turn in range(5):
        assert (await sender.post(path)).status_code == 202
        run_jobs(services)
        assert link_id(outbox(services).last_to(world.RECIPIENT)) == link
        early = await sender.post(path)
        day_is_used = turn == 4
        assert (early.status_code, early.headers["Retry-After"] == "900") == (429, not day_is_used)
        world.move(services, minutes=16)
    assert (await sender.post(path)).status_code == 429
    assert mails_to(services, world.RECIPIENT) == 6
    assert outcomes(services, "transfer.resent") == ["ok"] * 5
    assert set(outcomes(services, "transfer.refused")) == {"rate_limited"}


async def test_only_those_who_lack_something_are_reminded(services: Services) -> None:
    sender = await world.administrator(services)
    both = [{"email": world.RECIPIENT, "locale": "ja"}, {"email": LATER, "locale": "ja"}]
    transfer_id, _ = await world.delivered(services, sender, recipients=both)
    ids = {to["email"]: to["recipient_id"] for to in (await shown(sender, transfer_id))["recipients"]}
    assert (await sender.post(f"/transfers/{transfer_id}/recipients/{ids[LATER]}/resend")).status_code == 202
    reminded = (await sender.post(f"/transfers/{transfer_id}/remind")).json()["recipients"]
    assert reminded == [ids[world.RECIPIENT]]
    assert (await sender.post(f"/transfers/{transfer_id}/remind")).status_code == 429
    run_jobs(services)
    assert (mails_to(services, world.RECIPIENT), mails_to(services, LATER)) == (2, 2)


async def test_the_expiry_is_extended_and_shortened_within_the_ceiling(services: Services) -> None:
    sender = await world.administrator(services)
    transfer_id, link = await world.delivered(services, sender)
    path = f"/transfers/{transfer_id}/expiry"
    assert (await sender.post(path, {"expires_in": 31 * 86_400})).json()["code"] == "invalid_input"
    assert (await sender.post(path, {"expires_in": 10 * 86_400})).status_code == 200
    world.move(services, days=8)
    run_jobs(services)
    assert (await client(services).get(f"/api/v1/r/{link}")).status_code == 200
    sender = await world.signed_in(services, await new_session(services))
    assert (await sender.post(path, {"expires_in": 8 * 86_400})).json()["code"] == "invalid_input"
    assert (await sender.post(path, {"expires_in": 8 * 86_400 + 3600})).status_code == 200
    world.move(services, hours=1)
    run_jobs(services)
    assert (await client(services).get(f"/api/v1/r/{link}")).status_code == 410
    assert (await shown(sender, transfer_id))["state"] == "Expired"
    assert (await sender.post(path, {"expires_in": 20 * 86_400})).json()["code"] == "transfer_closed"
    assert outcomes(services, "transfer.expiry_changed") == ["ok", "ok"]


async def new_session(services: Services) -> str:
    http = client(services)
    body = {"email": world.ADMINISTRATOR, "password": world.PASSWORD}
    assert (await http.post("/api/v1/session", json=body)).status_code == 200
    return str(http.cookies["__Host-session"])


async def test_another_members_transfer_is_not_there_for_any_act(services: Services) -> None:
    admin = await world.administrator(services)
    transfer_id, _ = await world.delivered(services, admin)
    recipient_id = (await shown(admin, transfer_id))["recipients"][0]["recipient_id"]
    other = await world.member(services, admin, "other@acme.test")
    acts = {
        "recipients": {"email": LATER},
        f"recipients/{recipient_id}/resend": None,
        "remind": None,
        "expiry": {"expires_in": 3600},
        "password": {},
        "send": None,
        "recall": None,
        "cancel": None,
    }
    for path, body in acts.items():
        assert (await other.post(f"/transfers/{transfer_id}/{path}", body)).status_code == 404, path
    assert (await patch(other, transfer_id, subject="x")).status_code == 404
    assert (await remove(other, transfer_id, recipient_id)).status_code == 404
    assert outcomes(services, "transfer.refused") == ["not_found"] * (len(acts) + 2)
    assert (await shown(admin, transfer_id))["state"] == "Delivered"


async def test_transfers_are_listed_in_pages_without_gap_or_repeat(services: Services) -> None:
    sender = await world.administrator(services)
    made = [await world.draft(sender) for _ in range(5)]
    seen: list[str] = []
    after = ""
    while True:
        page = (await sender.get(f"/transfers?limit=2{after}")).json()
        seen += [transfer["id"] for transfer in page["transfers"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert sorted(seen) == sorted(made)
    assert (await sender.get("/transfers?after=unknown")).status_code == 404
