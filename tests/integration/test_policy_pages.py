"""Approvals, substitutes, groups and policies by the pages, in both languages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

import people_world as people
import policy_world as world
from builders import make_services, run_jobs
from kozutumi_app.services import Services
from kozutumi_app.web.pages import policy_form
from people_world import Browser

ORIGIN = {"Origin": "https://acme.kozutumi.test:30443"}


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return make_services(tmp_path)


async def submit(browser: Browser, path: str, **fields: Any) -> httpx.Response:
    answer = await browser.http.post(path, data={"csrf": browser.csrf, **fields}, headers=ORIGIN)
    run_jobs(world.browser_services(browser))
    return answer


async def page(browser: Browser, path: str, locale: str = "en") -> str:
    answer = await browser.http.get(path, headers={"Accept-Language": locale, "Accept": "text/html"})
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_an_administrator_states_policies_and_an_approver_decides(services: Services) -> None:
    made = await world.company(services)
    assert (await submit(made.admin, "/policies/groups", name="承認者")).status_code == 303
    (group,) = (await made.admin.get("/groups")).json()["groups"]
    answer = await submit(made.admin, f"/policies/groups/{group['id']}/members", member=[made.boss.user["id"]])
    assert answer.status_code == 303
    ticked = [f"group:{group['id']}", f"user:{made.boss.user['id']}"]
    fields = {"approval": "Always", "approvers": ticked, "blocked_types": ".exe, .scr"}
    fields |= {"hold_for": "0", "hold_for_unit": "days"}
    assert (await submit(made.admin, "/policies/organization", **fields)).status_code == 303
    shown = await page(made.admin, "/policies/organization")
    assert [f'value="{each}" checked' in shown for each in ticked] == [True, True]
    assert shown.count(" checked>") == len(ticked)
    assert ".exe\n.scr" in shown
    wrong = await submit(made.admin, "/policies/organization", approval="Always", max_downloads="many")
    assert wrong.status_code == 422
    assert "many" in wrong.text
    compose = await page(made.sender, "/transfers/new")
    assert "1 approver(s) must agree" in compose
    assert ".exe, .scr" in compose
    transfer_id = await world.sent(made)
    assert '<span class="tag warn">1</span>' in await page(made.boss, "/approvals")
    (line,) = await world.waiting(made.boss)
    preview = await page(made.boss, f"/approvals/{line['request_id']}", "ja")
    for text in ("秘密.txt", "どうぞ", people.RECIPIENT, "承認する", "監査ログに記録されます"):
        assert text in preview, text
    assert (await submit(made.boss, f"/approvals/{line['request_id']}", decision="perhaps")).status_code == 422
    assert "Waits for a decision" in await page(made.sender, f"/transfers/{transfer_id}")
    answer = await submit(made.boss, f"/approvals/{line['request_id']}", decision="agree", comment="一行目\r\n二行目")
    assert answer.status_code == 303
    assert await world.state_of(made, transfer_id) == "Delivered"
    shown = await page(made.sender, f"/transfers/{transfer_id}")
    assert "Agreed to" in shown
    assert "一行目\n二行目" in shown


async def test_a_refused_form_marks_each_field_and_names_its_wrong_entries(services: Services) -> None:
    made = await world.company(services)
    fields = {"allowed_domains": "a.test\nexample\nb@c.test", "networks": "10.0.0.1/8", "blocked_types": ".exe"}
    many = " ".join(f"d{number}.test" for number in range(201))
    refused = await submit(made.admin, "/policies/organization", **fields, blocked_domains=many)
    assert refused.status_code == 422
    marked = dict(re.findall(r'<p class="wrong" id="(\w+)-wrong">([^<]+)</p>', refused.text))
    assert marked == {
        "allowed_domains": "直すか、削除してください: example, b@c.test",
        "blocked_domains": "200 件までです。",
        "networks": "直すか、削除してください: 10.0.0.1/8",
    }
    assert refused.text.count('aria-invalid="true"') == len(marked)
    assert "a.test\nexample\nb@c.test</textarea>" in refused.text
    assert not any((await made.admin.get("/policies/organization")).json().values())


async def test_pages_of_others_are_not_there(services: Services) -> None:
    made = await world.company(services)
    await world.state(made.admin, approval="Always", approvers=[world.user(made.boss)])
    await world.sent(made)
    (line,) = await world.waiting(made.boss)
    for browser in (made.admin, made.sender, made.other):
        assert (await browser.http.get(f"/approvals/{line['request_id']}")).status_code == 404
    for path in ("/policies", "/policies/organization", f"/policies/members/{made.boss.user['id']}"):
        assert (await made.sender.http.get(path)).status_code == 403
        assert (await submit(made.sender, path)).status_code in {403, 405}
    assert (await made.admin.http.get("/policies/nothing")).status_code == 404
    unmeant = await made.boss.http.post(f"/approvals/{line['request_id']}", data={"decision": "agree"}, headers=ORIGIN)
    assert unmeant.status_code == 403


async def test_a_member_names_and_removes_a_substitute(services: Services) -> None:
    made = await world.company(services)
    fields = {"substitute": " Other@ACME.test", "begins": "2026-01-05", "ends": "2026-01-06"}
    assert (await submit(made.boss, "/substitutes", **fields)).status_code == 303
    (named,) = (await made.boss.get("/substitutes")).json()["substitutes"]
    assert (named["begins_at"][:10], named["ends_at"][:10]) == ("2026-01-05", "2026-01-07")
    assert named["substitute_id"] == made.other.user["id"]
    for changed in ({"begins": "tomorrow"}, {"ends": "2026-01-01"}, {"substitute": "nobody@acme.test"}):
        refused = await submit(made.boss, "/substitutes", **(fields | changed))
        assert refused.status_code == 422
        for name, value in (fields | changed).items():
            assert re.search(rf'name="{name}"[^>]* value="{value}"', refused.text), name
    assert (await submit(made.sender, f"/substitutes/{named['id']}/remove")).status_code == 404
    assert (await submit(made.boss, f"/substitutes/{named['id']}/remove")).status_code == 303


@pytest.mark.parametrize(
    ("texts", "document"),
    [
        ({}, {}),
        ({"allowed_domains": " ", "max_expiry": ""}, {}),
        ({"allowed_domains": "-"}, {"allowed_domains": []}),
        ({"allowed_domains": "a.test, b.test\r\nc.test"}, {"allowed_domains": ["a.test", "b.test", "c.test"]}),
        ({"max_expiry": " 60 ", "max_expiry_unit": "minutes"}, {"max_expiry": 3600}),
        ({"max_expiry": "-1", "max_expiry_unit": "days"}, {"max_expiry": "-1"}),
        ({"max_expiry": "60"}, {"max_expiry": "60"}),
        ({"max_file_size": "５００", "max_file_size_unit": "MiB"}, {"max_file_size": 500 * 2**20}),
        ({"max_file_size": "1.5", "max_file_size_unit": "GiB"}, {"max_file_size": "1.5"}),
        ({"max_downloads": "10"}, {"max_downloads": 10}),
        ({"max_downloads": "ten"}, {"max_downloads": "ten"}),
        ({"may_send_outside": "no"}, {"may_send_outside": False}),
        ({"may_send_outside": "perhaps"}, {"may_send_outside": "perhaps"}),
        ({"approval": "Always", "csrf": "x", "unheard_of": "y"}, {"approval": "Always"}),
    ],
)
def test_a_form_becomes_a_document(texts: dict[str, str], document: dict[str, Any]) -> None:
    assert policy_form.read(texts) == document


def test_a_document_fills_its_form_and_comes_back() -> None:
    document = {"allowed_domains": [], "blocked_types": [".exe", ".scr"], "hold_for": 0, "may_send_outside": False}
    document |= {"max_file_size": 2**31 - 1, "max_expiry": 5400, "approval_expiry": 301, "max_downloads": 7}
    assert policy_form.read(policy_form.filled(document)) == document


async def test_limits_are_typed_with_a_unit_and_shown_in_the_largest_that_divides_them(services: Services) -> None:
    made = await world.company(services)
    limits = {"max_file_size": "1536", "max_file_size_unit": "MiB", "max_expiry": "48", "max_expiry_unit": "hours"}
    assert (await submit(made.admin, "/policies/ceiling", **limits)).status_code == 303
    stated = (await made.admin.get("/policies/ceiling")).json()
    assert (stated["max_file_size"], stated["max_expiry"]) == (1536 * 2**20, 2 * 86_400)
    shown = await page(made.admin, "/policies/ceiling")
    assert typed(shown, "max_file_size") == ("1536", "MiB")
    assert typed(shown, "max_expiry") == ("2", "days")
    assert typed(shown, "hold_for") == ("", "days")
    assert "日</option>" in await page(made.admin, "/policies/ceiling", "ja")


@pytest.mark.parametrize(
    ("name", "number", "unit", "told"),
    [
        ("max_file_size", "1.5", "GiB", "choose its unit, from 1 B to 1,024 TiB."),
        ("max_expiry", "59", "seconds", "choose its unit, from 1 minute to 366 days."),
        ("hold_for", "31", "days", "choose its unit, at most 30 days."),
        ("approval_expiry", "soon", "hours", "choose its unit, from 5 minutes to 366 days."),
        ("max_downloads", "0", "", "Write a whole number from 1 to 10,000."),
    ],
)
async def test_a_number_that_does_not_do_is_kept_marked_and_told_how_to_write(
    services: Services, name: str, number: str, unit: str, told: str
) -> None:
    made = await world.company(services)
    boss = world.user(made.boss)
    await world.state(made.admin, approvers=[boss])
    fields = {name: number, f"{name}_unit": unit, "blocked_types": ".exe", "max_downloads": "5"} | {name: number}
    answer = await submit(made.admin, "/policies/organization?lang=en", **fields)
    assert answer.status_code == 422
    assert re.search(rf'name="{name}"[^>]* value="{re.escape(number)}"[^>]* aria-invalid="true"', answer.text)
    assert told in answer.text
    assert answer.text.count("aria-invalid") == 1
    assert typed(answer.text, name)[1] == unit
    assert ">.exe</textarea>" in answer.text
    assert f'value="{boss}" checked' not in answer.text  # as it was sent, not as it is stored
    assert (await made.admin.get("/policies/organization")).json()["approvers"] == [boss]


async def test_the_size_of_a_request_is_typed_with_a_unit(services: Services) -> None:
    made = await world.company(services)
    form = {"email": people.RECIPIENT, "subject": "件名", "expires_in": "86400", "max_files": "3"}
    wrong = {"max_bytes": "1.5", "max_bytes_unit": "GiB"}
    answer = await submit(made.sender, "/requests/new?lang=en", **form, **wrong)
    assert answer.status_code == 422
    assert "choose its unit, from 1 B to" in answer.text
    assert typed(answer.text, "max_bytes") == ("1.5", "GiB")
    assert "件名" in answer.text
    assert (await submit(made.sender, "/requests/new", **form, max_bytes="3", max_bytes_unit="KiB")).status_code == 303
    (asked,) = (await made.sender.get("/requests")).json()["requests"]
    assert asked["max_bytes"] == 3072


def typed(text: str, name: str) -> tuple[str, str]:
    """Number and unit as a page has them in its form; no unit where there is none to choose."""
    number = re.search(rf'name="{name}"[^>]* value="([^"]*)"', text)
    unit = re.search(rf'name="{name}_unit".*?value="([^"]*)" selected', text, re.DOTALL)
    assert number is not None
    return number[1], unit[1] if unit and f'name="{name}_unit"' in text else ""
