"""Nothing leaves before those who must agree have agreed, and they see exactly what waits for them."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

import people_world as people
import policy_world as world
from builders import clock_of, make_services, make_settings, outbox, run_jobs
from kozutumi_app.adapters.database.schema import files, recipients
from kozutumi_app.services import Services
from kozutumi_app.use_cases import approving, delivering


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return make_services(tmp_path)


async def test_a_transfer_waits_until_its_approver_agrees(services: Services) -> None:
    made = await world.company(services)
    await world.state(made.admin, approval="Always", approvers=[world.user(made.boss)])
    transfer_id = await world.sent(made, message="ご確認ください")
    assert world.mails_to(services, people.RECIPIENT) == []
    assert len(world.mails_to(services, "boss@acme.test")) == 2  # the invitation, and this
    (line,) = await world.waiting(made.boss)
    assert (line["sender_email"], line["subject"], line["needed"]) == ("sender@acme.test", "資料", 1)
    seen = (await made.boss.get(f"/approvals/{line['request_id']}")).json()
    assert (seen["message"], seen["recipients"]) == ("ご確認ください", [people.RECIPIENT])
    assert [file["name"] for file in seen["files"]] == ["秘密.txt"]
    answer = await world.decide(made.boss, line["request_id"], comment="よろしい")
    assert answer.json()["state"] == "Agreed"
    assert await world.state_of(made, transfer_id) == "Delivered"
    assert len(world.mails_to(services, people.RECIPIENT)) == 1
    types = await world.audit_types(made, transfer_id)
    for kind in ("approval.requested", "approval.previewed", "approval.agreed", "transfer.delivered"):
        assert types.count(kind) == 1, kind
    assert types.index("approval.agreed") < types.index("transfer.delivered") < types.index("mail.delivery")


async def test_who_is_not_waited_for_sees_nothing(services: Services) -> None:
    made = await world.company(services)
    await world.state(made.admin, approval="Always", approvers=[world.user(made.boss), world.user(made.sender)])
    transfer_id = await world.sent(made)
    (line,) = await world.waiting(made.boss)
    request_id = line["request_id"]
    for browser in (made.admin, made.other, made.sender):
        assert await world.waiting(browser) == []
        assert (await browser.get(f"/approvals/{request_id}")).status_code == 404
    for browser, status, code in ((made.admin, 404, "not_found"), (made.sender, 403, "not_approver")):
        answer = await world.decide(browser, request_id)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    with services.database.read() as tx:
        previews = [
            approving.may_preview(tx, services, browser.user["id"], transfer_id)
            for browser in (made.boss, made.sender, made.other, made.admin)
        ]
    assert previews == [True, False, False, False]
    assert "approval.denied" in await world.audit_types(made, transfer_id)
    await world.decide(made.boss, request_id)
    assert await world.waiting(made.boss) == []
    assert (await made.boss.get(f"/approvals/{request_id}")).status_code == 404
    with services.database.read() as tx:
        assert not approving.may_preview(tx, services, made.boss.user["id"], transfer_id)
    assert (await made.boss.get(f"/transfers/{transfer_id}")).status_code == 404


async def test_several_must_agree_and_nobody_counts_twice(services: Services) -> None:
    made = await world.company(services)
    team = await world.group(made.admin, "承認者", made.boss, made.other, made.sender)
    await world.state(made.admin, approval="Always", approvers=[f"group:{team}"], approvals_needed=2)
    transfer_id = await world.sent(made)
    (line,) = await world.waiting(made.boss)
    assert (await world.decide(made.boss, line["request_id"])).json()["state"] == "Waiting"
    assert await world.waiting(made.boss) == []
    again = await world.decide(made.boss, line["request_id"])
    assert (again.status_code, again.json()["code"]) == (403, "not_approver")
    assert await world.state_of(made, transfer_id) == "AwaitingApproval"
    assert (await world.decide(made.other, line["request_id"])).json()["state"] == "Agreed"
    assert await world.state_of(made, transfer_id) == "Delivered"
    late = await world.decide(made.boss, line["request_id"], "refuse")
    assert (late.status_code, late.json()["code"]) == (409, "approval_closed")


async def test_one_refusal_gives_it_back_to_the_sender_with_the_comment(services: Services) -> None:
    made = await world.company(services)
    await world.state(made.admin, approval="Always", approvers=[world.user(made.boss)], approvals_needed=1)
    transfer_id = await world.sent(made)
    (line,) = await world.waiting(made.boss)
    await world.decide(made.boss, line["request_id"], "refuse", "宛先が違います")
    assert await world.state_of(made, transfer_id) == "Draft"
    assert world.mails_to(services, people.RECIPIENT) == []
    told = outbox(services).last_to("sender@acme.test")
    assert f"/transfers/{transfer_id}" in told.text
    assert "宛先が違います" not in told.text
    (request,) = (await made.sender.get(f"/transfers/{transfer_id}/approvals")).json()["requests"]
    assert (request["state"], request["votes"][0]["comment"]) == ("Refused", "宛先が違います")
    assert (await made.other.get(f"/transfers/{transfer_id}/approvals")).status_code == 404
    answer = await made.sender.post(f"/transfers/{transfer_id}/send")
    assert answer.json()["state"] == "AwaitingApproval"
    (anew,) = await world.waiting(made.boss)
    assert anew["request_id"] != line["request_id"]
    await world.decide(made.boss, anew["request_id"])
    assert await world.state_of(made, transfer_id) == "Delivered"


async def test_external_means_somebody_outside_is_among_the_recipients(services: Services) -> None:
    made = await world.company(services)
    await world.state(
        made.admin, approval="External", approvers=[world.user(made.boss)], internal_domains=["acme.example"]
    )
    for to in (
        ["someone@acme.example"],
        ["other@acme.test"],
        ["Other@Acme.test", "x@ACME.example", "x@sub.acme.example"],
    ):
        await world.sent(made, "Delivered", recipients=[{"email": address} for address in to])
    for to in ([people.RECIPIENT], ["stranger@acme.test"], ["other@acme.test", "x@notacme.example"]):
        await world.sent(made, recipients=[{"email": address} for address in to])


async def test_without_anybody_who_could_agree_it_waits_and_administrators_are_told(services: Services) -> None:
    made = await world.company(services)
    await world.state(made.admin, approval="Always", approvers=[world.user(made.sender)])
    before = len(world.mails_to(services, people.ADMINISTRATOR))
    transfer_id = await world.sent(made)
    assert len(world.mails_to(services, people.ADMINISTRATOR)) == before + 1
    (request,) = (await made.sender.get(f"/transfers/{transfer_id}/approvals")).json()["requests"]
    assert request["short"] is True
    for _ in range(5):
        people.move(services, hours=1)
        run_jobs(services)
    assert await world.state_of(made, transfer_id) == "AwaitingApproval"
    assert world.mails_to(services, people.RECIPIENT) == []
    assert len(world.mails_to(services, people.ADMINISTRATOR)) == before + 1
    assert (await world.audit_types(made, transfer_id)).count("approval.shortage") == 1
    await world.state(made.admin, approval="Always", approvers=[world.user(made.boss)])
    run_jobs(services)
    (line,) = await world.waiting(made.boss)
    await world.decide(made.boss, line["request_id"])
    assert await world.state_of(made, transfer_id) == "Delivered"


async def test_a_disabled_approver_decides_nothing_and_leaves_a_shortage(services: Services) -> None:
    made = await world.company(services)
    await world.state(made.admin, approval="Always", approvers=[world.user(made.boss)])
    transfer_id = await world.sent(made)
    await made.admin.post(f"/members/{made.boss.user['id']}/disable")
    run_jobs(services)
    assert "approval.shortage" in await world.audit_types(made, transfer_id)
    with services.database.read() as tx:
        assert not approving.may_preview(tx, services, made.boss.user["id"], transfer_id)


async def test_a_request_that_nobody_decides_lapses(services: Services) -> None:
    made = await world.company(services)
    await world.state(made.admin, approval="Always", approvers=[world.user(made.boss)], approval_expiry=7200)
    transfer_id = await world.sent(made, expires_in=3600)
    (line,) = await world.waiting(made.boss)
    people.move(services, seconds=7199)
    run_jobs(services)
    assert await world.state_of(made, transfer_id) == "AwaitingApproval"
    people.move(services, seconds=1)
    late = await world.decide(made.boss, line["request_id"])
    assert (late.status_code, late.json()["code"]) == (409, "approval_closed")
    run_jobs(services)
    assert await world.state_of(made, transfer_id) == "Draft"
    assert world.mails_to(services, people.RECIPIENT) == []
    assert "approval.lapsed" in await world.audit_types(made, transfer_id)


async def test_what_is_changed_while_it_waits_asks_anew(services: Services) -> None:
    """Approvers agree to what they saw and to nothing else."""
    made = await world.company(services)
    await world.state(made.admin, approval="Always", approvers=[world.user(made.boss)])
    transfer_id = await world.sent(made)
    (line,) = await world.waiting(made.boss)
    with services.database.write() as tx:
        changed = sa.update(files).where(files.c.transfer_id == transfer_id)
        tx.execute(changed.values(manifest_id="m2", verdict_manifest_id="m2"))
    assert (await world.decide(made.boss, line["request_id"])).json()["code"] == "approval_closed"
    assert await world.state_of(made, transfer_id) == "AwaitingApproval"
    with services.database.write() as tx:
        delivering.advance(tx, services, transfer_id)
    run_jobs(services)
    (anew,) = await world.waiting(made.boss)
    assert anew["request_id"] != line["request_id"]
    assert (await world.decide(made.boss, line["request_id"])).json()["code"] == "approval_closed"


async def test_an_approval_is_worth_nothing_for_other_content(services: Services) -> None:
    made = await world.company(services)
    await world.state(made.admin, approval="Always", approvers=[world.user(made.boss)], hold_for=3600)
    transfer_id = await world.sent(made)
    (line,) = await world.waiting(made.boss)
    with services.database.write() as tx:
        tx.execute(sa.update(recipients).where(recipients.c.transfer_id == transfer_id).values(email_index=b"other"))
    assert (await world.decide(made.boss, line["request_id"])).json()["code"] == "approval_closed"
    assert await world.state_of(made, transfer_id) == "AwaitingApproval"


async def test_a_file_that_turns_out_bad_while_it_waits_is_not_delivered_by_agreeing(services: Services) -> None:
    made = await world.company(services)
    await world.state(made.admin, approval="Always", approvers=[world.user(made.boss)])
    transfer_id = await world.sent(made)
    (line,) = await world.waiting(made.boss)
    with services.database.write() as tx:
        tx.execute(sa.update(files).where(files.c.transfer_id == transfer_id).values(state="Infected"))
    await world.decide(made.boss, line["request_id"])
    assert await world.state_of(made, transfer_id) == "AwaitingApproval"
    assert world.mails_to(services, people.RECIPIENT) == []


async def test_cancelling_while_it_waits_leaves_nothing_to_decide(services: Services) -> None:
    made = await world.company(services)
    await world.state(made.admin, approval="Always", approvers=[world.user(made.boss)])
    transfer_id = await world.sent(made)
    (line,) = await world.waiting(made.boss)
    assert (await made.sender.post(f"/transfers/{transfer_id}/cancel")).status_code == 204
    assert await world.waiting(made.boss) == []
    assert (await world.decide(made.boss, line["request_id"])).json()["code"] == "approval_closed"
    assert list(services.blobs.list("")) == []


async def test_the_provider_s_floor_cannot_be_lowered_by_a_policy(tmp_path: Path) -> None:
    services = make_services(tmp_path, settings=make_settings(approval="External", hold_for=60))
    made = await world.company(services)
    await world.state(made.admin, approval="Never", hold_for=0, approvers=[world.user(made.boss)])
    transfer_id = await world.sent(made)
    (line,) = await world.waiting(made.boss)
    await world.decide(made.boss, line["request_id"])
    assert await world.state_of(made, transfer_id) == "Held"


async def test_agreed_and_held_transfers_are_delivered_only_after_the_hold(services: Services) -> None:
    made = await world.company(services)
    await world.state(made.admin, approval="Always", approvers=[world.user(made.boss)], hold_for=600)
    transfer_id = await world.sent(made, expires_in=300)
    (line,) = await world.waiting(made.boss)
    await world.decide(made.boss, line["request_id"])
    assert await world.state_of(made, transfer_id) == "Held"
    clock_of(services).advance(seconds=599)
    run_jobs(services)
    assert (await world.state_of(made, transfer_id), world.mails_to(services, people.RECIPIENT)) == ("Held", [])
    clock_of(services).advance(seconds=1)
    run_jobs(services)
    assert await world.state_of(made, transfer_id) == "Delivered"
    assert len(world.mails_to(services, people.RECIPIENT)) == 1
