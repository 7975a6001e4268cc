"""Members, approvers and policies, driven over HTTP as people_world drives transfers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

import people_world as people
from builders import outbox, run_jobs
from kozutumi_app.services import Services
from people_world import Browser


@dataclass
class Company:
    """An administrator, a sender, and two more members."""

    services: Services
    admin: Browser
    sender: Browser
    boss: Browser
    other: Browser


async def company(services: Services) -> Company:
    admin = await people.administrator(services)
    members = [await people.member(services, admin, f"{name}@acme.test") for name in ("sender", "boss", "other")]
    return Company(services, admin, *members)


async def put(admin: Browser, path: str, document: dict[str, Any]) -> httpx.Response:
    return await admin.http.put(f"/api/v1{path}", json=document, headers={"X-CSRF-Token": admin.csrf})


async def state(admin: Browser, path: str = "organization", **document: Any) -> None:
    answer = await put(admin, f"/policies/{path}", document)
    assert answer.status_code == 204, answer.text


async def group(admin: Browser, name: str, *members: Browser) -> str:
    group_id = str((await admin.post("/groups", {"name": name})).json()["id"])
    await set_members(admin, group_id, *members)
    return group_id


async def set_members(admin: Browser, group_id: str, *members: Browser) -> None:
    answer = await put(admin, f"/groups/{group_id}/members", {"members": [each.user["id"] for each in members]})
    assert answer.status_code == 204, answer.text


def user(browser: Browser) -> str:
    return f"user:{browser.user['id']}"


async def sent(world: Company, state: str = "AwaitingApproval", **changes: Any) -> str:
    """A transfer of the sender with one clean file, sent; returns its id."""
    transfer_id = await people.draft(world.sender, **changes)
    people.add_file(world.services, transfer_id)
    answer = await world.sender.post(f"/transfers/{transfer_id}/send")
    assert (answer.status_code, answer.json().get("state")) == (200, state), answer.text
    run_jobs(world.services)
    return transfer_id


async def waiting(browser: Browser) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await browser.get("/approvals")).json()["approvals"]
    return found


async def decide(browser: Browser, request_id: str, verb: str = "agree", comment: str = "") -> httpx.Response:
    answer = await browser.post(f"/approvals/{request_id}/{verb}", {"comment": comment})
    run_jobs(browser_services(browser))
    return answer


def browser_services(browser: Browser) -> Services:
    services: Services = browser.http._transport.app.state.services  # type: ignore[attr-defined]
    return services


async def state_of(world: Company, transfer_id: str) -> str:
    return str((await world.sender.get(f"/transfers/{transfer_id}")).json()["state"])


def mails_to(services: Services, address: str) -> list[str]:
    return [mail.subject for mail in outbox(services).mails if mail.to == address]


async def audit_types(world: Company, object_id: str) -> list[str]:
    events = (await world.admin.get("/audit")).json()["events"]
    return [event["type"] for event in reversed(events) if event["object_id"] == object_id]
