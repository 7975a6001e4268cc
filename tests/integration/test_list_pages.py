"""Long lists on the pages: fifty at a time, there and back, and who is looked for by address."""

from __future__ import annotations

import html
import re
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

import people_world as people
import policy_world as world
from builders import make_services
from kozutumi_app.adapters.database.schema import users
from kozutumi_app.domain.identifiers import new_id
from kozutumi_app.services import Services
from kozutumi_app.use_cases import accounts
from kozutumi_app.use_cases.sessions import email_index
from kozutumi_app.web import paging
from people_world import Browser

HTML = {"Accept": "text/html", "Accept-Language": "en"}


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return make_services(tmp_path)


@pytest.fixture
def two_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "SHOWN", 2)


def populate(services: Services, count: int) -> list[str]:
    """People as invitations leave them; returns their addresses."""
    addresses = [f"person{number}@acme.test" for number in range(count)]
    rows = []
    for address in addresses:
        people.move(services, seconds=1)
        user_id = new_id(services.random)
        row = {"id": user_id, "email_index": email_index(services, address), "created_at": services.clock.now()}
        sealed = services.columns.seal("users", "email_sealed", user_id, address)
        rows.append(row | {"email_sealed": sealed, "role": "member", "locale": "en"})
    with services.database.write() as tx:
        tx.execute(sa.insert(users), rows)
    return addresses


async def read(browser: Browser, path: str) -> str:
    answer = await browser.http.get(path, headers=HTML)
    assert answer.status_code == 200, answer.text
    return answer.text


async def submit(browser: Browser, path: str, **fields: str | list[str]) -> httpx.Response:
    return await browser.http.post(path, data={"csrf": browser.csrf, **fields}, headers=HTML)


def link(text: str, kind: str) -> str | None:
    found = re.search(rf'rel="{kind}" href="([^"]+)"', text)
    return html.unescape(found[1]) if found else None


async def walk(browser: Browser, path: str, pattern: str) -> list[list[str]]:
    """What matches on each page, from the first to the last; the way back is the same."""
    texts = [await read(browser, path)]
    while following := link(texts[-1], "next"):
        texts.append(await read(browser, following))
        assert len(texts) < 10, "the list does not end"
    back = [texts[-1]]
    while before := link(back[-1], "prev"):
        back.append(await read(browser, before))
        assert len(back) <= len(texts), "the way back is longer"
    pages, returned = ([re.findall(pattern, text) for text in each] for each in (texts, back[::-1]))
    assert returned == pages
    return pages


async def test_members_come_fifty_a_page_and_only_those_are_decrypted(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = await people.administrator(services)
    populate(services, 120)
    opened = list[str]()
    real = services.columns.open

    def counting(table: str, column: str, row_id: str, sealed: bytes) -> str:
        opened.append(column)
        return real(table, column, row_id, sealed)

    monkeypatch.setattr(services.columns, "open", counting)
    first = await read(admin, "/members")
    assert opened.count("email_sealed") <= paging.SHOWN + 1
    assert "1–50 of 121" in first
    pages = await walk(admin, "/members", r"person\d+@acme\.test</span>")
    assert [len(page) for page in pages] == [49, 50, 21]
    assert len({each for page in pages for each in page}) == 120


@pytest.mark.usefixtures("two_a_page")
async def test_a_member_is_found_by_the_whole_address_and_stays_in_view(services: Services) -> None:
    admin = await people.administrator(services)
    populate(services, 5)
    text = (await submit(admin, "/members", action="find", sought=" Person3@ACME.test ")).text
    assert re.findall(r"person\d@acme\.test</span>", text) == ["person3@acme.test</span>"]
    assert "1–1 of 1" in text
    (found,) = re.findall(r'href="/policies/members/(\w+)"', text)
    assert found == accounts.find(services, "person3@acme.test")
    answer = await submit(admin, "/members", action="disable", member=found, sought="person3@acme.test")
    assert re.findall(r"person\d@acme\.test</span>", answer.text) == ["person3@acme.test</span>"]
    assert "The account is disabled." in answer.text
    part = (await submit(admin, "/members", action="find", sought="person3")).text
    assert "Nobody with an account has exactly this address." in part
    assert re.findall(r"person\d@acme\.test</span>", part) == []


@pytest.mark.usefixtures("two_a_page")
async def test_after_an_act_the_list_stays_where_it_was(services: Services) -> None:
    admin = await people.administrator(services)
    populate(services, 5)
    second = await read(admin, link(await read(admin, "/members"), "next") or "")
    fields = dict(re.findall(r'name="(member|after)" value="(\w+)"', second))
    answer = await submit(admin, "/members", action="disable", **fields)
    shown = re.compile(r"person\d@acme\.test</span>")
    assert shown.findall(answer.text) == shown.findall(second)
    again = await read(admin, "/members?after=nothing-of-it")
    assert shown.findall(again) == shown.findall(await read(admin, "/members"))


@pytest.mark.usefixtures("two_a_page")
@pytest.mark.parametrize(
    ("path", "pattern"), [("/transfers", r">(subject \d)<"), ("/audit?type=transfer.created", r">(\d+)</td>")]
)
async def test_what_grows_at_its_top_leads_on_to_older_and_back_to_the_newest(
    services: Services, path: str, pattern: str
) -> None:
    made = await world.company(services)
    for number in range(4):
        people.move(services, seconds=1)
        await people.draft(made.sender, subject=f"subject {number}")
    reader = made.sender if path == "/transfers" else made.admin
    first = await read(reader, path)
    second = await read(reader, link(first, "next") or "")
    assert (link(first, "first"), link(second, "next")) == (None, None)  # two and two: no empty page follows
    assert link(second, "first") == path
    shown = [re.findall(pattern, each) for each in (first, second)]
    assert [len(each) for each in shown] == [2, 2]
    assert len({each for page in shown for each in page}) == 4


async def test_no_number_is_too_large_for_the_audit_page(services: Services) -> None:
    admin = await people.administrator(services)
    for before in ("9" * 30, "-1", "yesterday"):
        assert (await admin.http.get(f"/audit?before={before}", headers=HTML)).status_code == 422


async def test_only_administrators_look_for_members(services: Services) -> None:
    made = await world.company(services)
    assert (await submit(made.sender, "/members", action="find", sought="boss@acme.test")).status_code == 403


@pytest.mark.usefixtures("two_a_page")
async def test_groups_come_in_pages(services: Services) -> None:
    admin = await people.administrator(services)
    for number in range(5):
        await world.group(admin, f"group {number}")
    pages = await walk(admin, "/policies", r">(group \d)<")
    assert pages == [["group 0", "group 1"], ["group 2", "group 3"], ["group 4"]]


@pytest.mark.usefixtures("two_a_page")
async def test_approvals_come_in_pages_oldest_first(services: Services) -> None:
    made = await world.company(services)
    await world.state(made.admin, approval="Always", approvers=[world.user(made.boss)])
    for number in range(3):
        people.move(services, seconds=1)
        await world.sent(made, subject=f"subject {number}")
    pages = await walk(made.boss, "/approvals", r">(subject \d)<")
    assert pages == [["subject 0", "subject 1"], ["subject 2"]]
    assert "3–3 of 3" in await read(made.boss, link(await read(made.boss, "/approvals"), "next") or "")


@pytest.mark.usefixtures("two_a_page")
async def test_saving_one_page_of_a_group_leaves_the_others_as_they_are(services: Services) -> None:
    made = await world.company(services)
    boss, other, sender = (each.user["id"] for each in (made.boss, made.other, made.sender))
    path = f"/policies/groups/{await world.group(made.admin, '設計', made.boss, made.other)}"
    first = await read(made.admin, path)
    assert set(re.findall(r'name="shown" value="(\w+)"', first)) == {boss, other}
    assert first.count('name="member"') == first.count(" checked>") == 2

    fields: dict[str, str | list[str]] = {"shown": [boss], "member": [], "address": " Sender@acme.test", "after": boss}
    answer = await submit(made.admin, f"{path}/members", **fields)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{path}?after={boss}")
    assert await inside(made.admin) == {other, sender}
    unknown = await submit(made.admin, f"{path}/members", shown=[other], member=[], address="nobody@acme.test")
    assert unknown.status_code == 422
    assert "Nobody with an account has exactly this address." in unknown.text
    assert 'value="nobody@acme.test"' in unknown.text
    assert 'name="member"' in unknown.text
    assert await inside(made.admin) == {other, sender}
    refused = await submit(made.sender, f"{path}/members", shown=[other], member=[])
    assert refused.status_code == 403


@pytest.mark.usefixtures("two_a_page")
async def test_an_approver_who_is_not_listed_is_typed(services: Services) -> None:
    made = await world.company(services)
    populate(services, 3)
    chosen = accounts.find(services, "person2@acme.test")
    fields: dict[str, str | list[str]] = {"approval": "Always", "approvers": [world.user(made.boss)]}
    fields["approver"] = "person2@acme.test"
    assert f"user:{chosen}" not in await read(made.admin, "/policies/organization")
    assert (await submit(made.admin, "/policies/organization", **fields)).status_code == 303
    stated = (await made.admin.get("/policies/organization")).json()["approvers"]
    assert set(stated) == {world.user(made.boss), f"user:{chosen}"}
    shown = await read(made.admin, "/policies/organization")
    assert all(f'value="{each}" checked' in shown for each in stated)
    wrong = await submit(made.admin, "/policies/organization", **(fields | {"approver": "nobody@acme.test"}))
    assert wrong.status_code == 422
    assert 'name="approver" type="email" autocomplete="off" maxlength="320" value="nobody@acme.test"' in wrong.text
    assert f'value="{world.user(made.boss)}" checked' in wrong.text


async def inside(admin: Browser) -> set[str]:
    (group,) = (await admin.get("/groups")).json()["groups"]
    return set(group["members"])
