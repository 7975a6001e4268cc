"""One of everything that a page can show, made once in a run, so that tables and forms are really rendered."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Page

from browser_world import World, wait_for, wait_for_mail
from people_in_browsers import DELIVERY, INVITATION, REQUEST, Household, Person

LONG_NAME = "とても長い名前のファイル_最終版_確認済み_2026年度_第3四半期_売上報告書_修正2.xlsx"
LONG_WORD = "W" * 200


@dataclass
class Contents:
    """`addresses`: for a page's route where it is to be seen. The people are at their browsers, each with their rights."""

    administrator: Person
    stranger: Person
    recipient: Person
    guest: Person
    addresses: dict[str, list[str]] = field(default_factory=dict)

    def add(self, route: str, address: str) -> None:
        self.addresses.setdefault(route, []).append(address)

    def close(self) -> None:
        for person in (self.administrator, self.stranger, self.recipient, self.guest):
            person.close()


def furnish(world: World, household: Household, folder: Path) -> Contents:
    stranger, recipient, guest = (household.stranger() for _ in range(3))
    made = Contents(household.administrator(), stranger, recipient, guest)
    household.invite(f"invited-{world.run}@acme.test")
    made.add("/invitations/{token}", wait_for_mail(world, f"invited-{world.run}@acme.test", INVITATION))
    _awaiting_approval(household, made, folder)
    _policies(made)
    _tokens(made.administrator)
    _substitute(made.administrator)
    _drafts(made)
    _quarantined(made.administrator, folder)
    _delivered(household, made, folder)
    _requested(household, made, folder)
    _compared(made.administrator.page)
    return made


def _compared(page: Page) -> None:
    """Until the storage's page tells of a comparison."""
    page.goto("/storage")
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.locator("main form button").click()

    def found() -> str | None:
        page.goto("/storage")
        return page.url if page.locator("main > p.card:not(.empty)").count() else None

    wait_for(found, "the comparison of storage and database")


def _awaiting_approval(household: Household, made: Contents, folder: Path) -> None:
    """A transfer of which the administrator has to decide."""
    file = folder / LONG_NAME
    file.write_bytes(b"numbers")
    sender = household.careful_member()
    sender.compose([file], ["buyer@client.test"], subject="Waits " + LONG_WORD, message="Please look.\n" + LONG_WORD)
    sender.send()
    sender.transfer_state("AwaitingApproval")
    transfer = sender.page.url.rpartition("/")[2]
    sender.close()
    waiting = made.administrator.call("GET", "/api/v1/approvals")["approvals"]
    request = next(each["request_id"] for each in waiting if each["transfer_id"] == transfer)
    made.add("/approvals/{request_id}", f"/approvals/{request}")


def _policies(made: Contents) -> None:
    person = made.administrator
    group = person.call("GET", "/api/v1/groups")["groups"][0]["id"]
    member = person.call("GET", "/api/v1/members")["members"][0]["id"]
    for address in ("organization", "ceiling"):
        made.add("/policies/{level}", f"/policies/{address}")
    for address in (f"groups/{group}", f"members/{member}"):
        made.add("/policies/{level}/{subject_id}", f"/policies/{address}")


def _tokens(person: Person) -> None:
    """Of a person and of a service account; one of them ended."""
    token = {"name": "nightly-report-" + LONG_WORD[:80], "scopes": ["transfers:write", "requests:read", "audit:read"]}
    person.call("POST", "/api/v1/tokens", token)
    ended = person.call("POST", "/api/v1/tokens", token)["id"]
    person.call("DELETE", f"/api/v1/tokens/{ended}")
    account = person.call("POST", "/api/v1/service-accounts", {"name": "経理システム"})["id"]
    person.call("POST", f"/api/v1/service-accounts/{account}/tokens", token)


def _substitute(person: Person) -> None:
    members = person.call("GET", "/api/v1/members")["members"]
    other = next(each["id"] for each in members if each["name"] and each["role"] == "member")
    begins = datetime.now(UTC)
    times = {"begins_at": begins.isoformat(), "ends_at": (begins + timedelta(days=3)).isoformat()}
    person.call("POST", "/api/v1/substitutes", {"substitute_id": other} | times)


def _drafts(made: Contents) -> None:
    words = {"recipients": [{"email": "draft@client.test"}], "subject": "Draft", "authentication": "Password"}
    draft = made.administrator.call("POST", "/api/v1/transfers", words)
    made.add("/transfers/{transfer_id}", f"/transfers/{draft['id']}")
    made.add("/transfers/{transfer_id}/edit", f"/transfers/{draft['id']}/edit")


def _quarantined(person: Person, folder: Path) -> None:
    """An infected file and one that cannot be scanned."""
    bad, locked = folder / ("invoice-" + LONG_WORD[:80] + ".exe"), folder / "locked.zip"
    bad.write_bytes(person.world.infected)
    locked.write_bytes(person.world.unscannable)
    for file, state in ((bad, "Infected"), (locked, "Unscannable")):
        person.compose([file], ["buyer@client.test"])
        person.send()
        person.wait_for_refusal(state)


def _delivered(household: Household, made: Contents, folder: Path) -> None:
    """One transfer for each way of proof; the one that a code opens comes last."""
    sender, reader = made.administrator, f"reader-{made.administrator.world.run}@client.test"
    files = [folder / f"{number} {LONG_NAME}" for number in range(2)]
    for file in files:
        file.write_bytes(b"numbers")
    people = {"Password": f"password-{reader}", "Account": household.member_email, "EmailCode": reader}
    for proof, address in people.items():
        sender.deliver(files, address, proof, subject=LONG_WORD)
        made.add("/r/{link_id}", wait_for_mail(sender.world, address, DELIVERY))
    link = made.addresses["/r/{link_id}"][-1]
    made.add("/transfers/{transfer_id}", sender.page.url)
    made.add("/r/{link_id}/verify", f"{link}/verify")
    made.add("/r/{link_id}/files", f"{link}/files")
    made.recipient.prove(reader, link)


def _requested(household: Household, made: Contents, folder: Path) -> None:
    """A request that its guest has answered, and may answer again."""
    owner, guest = made.administrator, f"guest-{made.administrator.world.run}@client.test"
    terms = {"once": False, "expires_in": 86_400, "max_bytes": 10**7, "types": ["pdf", "docx", "txt"]}
    words = {"email": guest, "subject": LONG_WORD, "message": "請求書をお願いします。", "locale": "en"}
    asked = owner.call("POST", "/api/v1/requests", terms | words)["id"]
    link = wait_for_mail(owner.world, guest, REQUEST)
    answer = folder / "answer.txt"
    answer.write_bytes(b"an answer")
    made.guest.prove(guest, link)
    made.guest.answer([answer], note=LONG_WORD)
    wait_for_mail(owner.world, household.administrator_account[0], rf"(/requests/{asked})")
    made.add("/requests/{request_id}", f"/requests/{asked}")
    for route in ("/q/{link_id}", "/q/{link_id}/verify", "/q/{link_id}/files", "/q/{link_id}/sent"):
        made.add(route, route.replace("/q/{link_id}", link))
