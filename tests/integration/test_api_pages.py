"""Every list of the API in pages that meet: what is put together of them is the whole, each thing once."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

import people_world as people
import policy_world as world
from builders import make_services
from kozutumi_app.adapters.database.schema import discrepancies
from kozutumi_app.domain.reconciliation import Kind, State
from kozutumi_app.services import Services
from kozutumi_app.use_cases import announcements, audit_sealing
from people_world import Browser


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return make_services(tmp_path)


async def meets(browser: Browser, path: str, name: str, *, cursor: str = "after") -> list[dict[str, Any]]:
    """The list as it comes two at a time, which is the whole; a cursor of nowhere is refused."""
    whole = await read(browser, path, limit=100)
    assert whole["next"] is None
    seen, place = list[dict[str, Any]](), dict[str, str]()
    while True:
        page = await read(browser, path, limit=2, **place)
        assert len(page[name]) <= 2
        seen += page[name]
        if page["next"] is None:
            break
        place = {cursor: page["next"]}
    assert seen == whole[name]
    if cursor == "after":
        assert (await browser.http.get(f"/api/v1{path}?after=nowhere")).status_code == 404
    assert (await browser.http.get(f"/api/v1{path}?limit=0")).status_code == 422
    return seen


async def read(browser: Browser, path: str, **asked: object) -> dict[str, Any]:
    answer = await browser.http.get(f"/api/v1{path}", params=httpx.QueryParams({k: str(v) for k, v in asked.items()}))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def shelve(services: Services, name: str, type: str) -> None:
    words = {"title": "移行", "body": "本文"}
    document = {"id": name, "type": type, "from": None, "until": None, "text": {"ja": words, "en": words}}
    assert announcements.put(services, document | {"timeline": []}, "0" * 64, None)


async def test_announcements(services: Services) -> None:
    admin = await people.administrator(services)
    for number, kind in enumerate(("Change", "Incident", "Maintenance", "Change", "Security")):
        shelve(services, f"n{number}", kind)
    found = await meets(admin, "/announcements", "announcements")
    assert [each["type"] for each in found] == ["Incident", "Security", "Maintenance", "Change", "Change"]


async def test_approvals_and_substitutes(services: Services) -> None:
    made = await world.company(services)
    await world.state(made.admin, approval="Always", approvers=[world.user(made.boss)])
    waiting = [await world.sent(made) for _ in range(3)]
    found = await meets(made.boss, "/approvals", "approvals")
    assert {each["transfer_id"] for each in found} == set(waiting)
    request_id = found[0]["request_id"]
    for _ in range(2):  # refused, a draft again, sent again
        await world.decide(made.boss, request_id, "refuse")
        await made.sender.post(f"/transfers/{waiting[0]}/send")
        request_id = next(
            each["request_id"] for each in await world.waiting(made.boss) if each["transfer_id"] == waiting[0]
        )
    requests = await meets(made.sender, f"/transfers/{waiting[0]}/approvals", "requests")
    assert [each["state"] for each in requests] == ["Waiting", "Refused", "Refused"]
    now = services.clock.now()
    for days in (3, 1, 2):
        times = {"begins_at": now.isoformat(), "ends_at": (now + timedelta(days=days)).isoformat()}
        answer = await made.boss.post("/substitutes", {"substitute_id": made.other.user["id"], **times})
        assert answer.status_code == 201
    assert len(await meets(made.boss, "/substitutes", "substitutes")) == 3


async def test_quarantine_also_beyond_what_one_page_shows(services: Services) -> None:
    admin = await people.administrator(services)
    transfer_id = await people.draft(admin)
    older = [people.add_file(services, transfer_id, "Infected") for _ in range(3)]
    people.move(services, seconds=1)
    newest = people.add_file(services, transfer_id, "Unscannable")
    found = await meets(admin, "/quarantine", "files")
    assert [each["id"] for each in found] == [newest, *sorted(older)]
    page = await admin.http.get(f"/quarantine?after={newest}")
    assert f"file-{newest}" not in page.text
    assert all(f"file-{each}" in page.text for each in older)


async def test_histories(services: Services) -> None:
    admin = await people.administrator(services)
    transfer_id, _ = await people.delivered(services, admin)
    events = await meets(admin, f"/transfers/{transfer_id}/history", "events", cursor="before")
    assert len(events) > 2
    asked = await admin.post(
        "/requests", {"email": people.RECIPIENT, "subject": "資料", "expires_in": 86_400, "max_bytes": 1000}
    )
    assert asked.status_code == 201, asked.text
    request_id = asked.json()["id"]
    for _ in range(2):
        await admin.post(f"/requests/{request_id}/extend", {"expires_in": 90_000})
    assert len(await meets(admin, f"/requests/{request_id}/history", "events", cursor="before")) > 2


async def test_findings_of_the_storage_also_with_long_names(services: Services) -> None:
    admin = await people.administrator(services)
    now = services.clock.now()
    rows = [
        {"kind": Kind.FOREIGN_OBJECT, "place": str(number) * 500, "state": state, "found_at": now, "seen_at": now}
        for number, state in enumerate((State.GONE, State.OPEN, State.REPAIRED))
    ]
    with services.database.write() as tx:
        tx.execute(sa.insert(discrepancies), rows)
    findings = await meets(admin, "/storage/reconciliation", "findings")
    assert [each["state"] for each in findings] == ["Open", "Gone", "Repaired"]


async def test_sealed_heads_are_fetched_from_the_last_one_that_is_known(services: Services) -> None:
    admin = await people.administrator(services)
    for _ in range(3):
        people.move(services, hours=1)
        with services.database.write() as tx:
            audit_sealing.prepare(tx, services)
        audit_sealing.store_waiting(services)
        await people.draft(admin)
    numbers = await sealed(admin, "")
    assert numbers == sorted(numbers)
    assert len(numbers) == 3
    first = await sealed(admin, "?limit=2")
    assert first == numbers[:2]
    assert await sealed(admin, f"?limit=2&after={first[-1]}") == numbers[2:]
    assert await sealed(admin, f"?after={numbers[-1]}") == []


async def sealed(admin: Browser, query: str) -> list[int]:
    answer = await admin.get(f"/audit/seals{query}")
    assert answer.status_code == 200, answer.text
    return [json.loads(line)["document"]["number"] for line in answer.text.splitlines()]
