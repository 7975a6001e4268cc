"""Lists in pages, and the page where tokens are made."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import people_world as world
from builders import client, make_services
from kozutumi_app.services import Services


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return make_services(tmp_path)


async def test_a_list_is_cut_into_pages_that_meet(services: Services) -> None:
    admin = await world.administrator(services)
    for number in range(5):
        await admin.post("/tokens", {"name": f"t{number}", "scopes": ["transfers:read"]})
    whole = [token["id"] for token in (await admin.get("/tokens")).json()["tokens"]]
    seen: list[str] = []
    after = ""
    while True:
        page = (await admin.get(f"/tokens?limit=2{after}")).json()
        seen += [token["id"] for token in page["tokens"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == whole
    assert len(seen) == 5
    assert (await admin.get("/tokens?after=unknown")).status_code == 404
    assert (await admin.get("/tokens?limit=0")).status_code == 422
    first = (await admin.get("/audit?limit=3")).json()
    second = (await admin.get(f"/audit?limit=3&before={first['next']}")).json()
    numbers = [event["sequence"] for event in (*first["events"], *second["events"])]
    assert numbers == sorted(numbers, reverse=True)
    assert len(set(numbers)) == 6


async def test_the_page_makes_shows_once_and_revokes(services: Services) -> None:
    admin = await world.administrator(services)
    form = {"csrf": admin.csrf, "action": "issue", "name": "夜間バッチ", "scopes": ["transfers:write"], "days": "30"}
    shown = await admin.http.post("/tokens", data=form)
    assert shown.status_code == 200, shown.text
    found = re.search(r"data-token>(kzp_[\w-]+)<", shown.text)
    assert found is not None
    program = client(services)
    program.headers["Authorization"] = f"Bearer {found[1]}"
    assert (await program.get("/api/v1/session")).status_code == 200
    again = await admin.http.get("/tokens")
    assert "夜間バッチ" in again.text
    assert found[1] not in again.text
    made = re.search(r'name="token" value="(\w+)"', again.text)
    assert made is not None
    await admin.http.post("/tokens", data={"csrf": admin.csrf, "action": "revoke", "token": made[1]})
    assert (await program.get("/api/v1/session")).status_code == 401
    account = {"csrf": admin.csrf, "action": "create", "name": "会計"}
    assert (await admin.http.post("/tokens/accounts", data=account)).status_code == 303
    assert "会計" in (await admin.http.get("/tokens")).text
    assert (await admin.http.post("/tokens", data={**form, "csrf": "wrong"})).status_code == 403
    wrong = await admin.http.post("/tokens", data={**form, "scopes": []})
    assert wrong.status_code == 422
