"""Announcements on their way from the operator's port to the pages, in both languages, until their time is over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import builders
from kozutumi_app.services import Services
from kozutumi_app.use_cases import announcements
from kozutumi_app.web import security

DIGEST = "0" * 64


def document(name: str = "db-move", **changes: Any) -> dict[str, Any]:
    return {
        "id": name,
        "digest": DIGEST,
        "type": "Maintenance",
        "from": "2026-01-06T15:00:00Z",
        "until": "2026-01-06T18:00:00Z",
        "text": {
            "ja": {"title": "データベースの移行", "body": "ファイルは失われません。\n<script>"},
            "en": {"title": "Moving the database", "body": "No file is lost.\n<script>"},
        },
        "timeline": [{"at": "2026-01-05T00:00:00Z", "ja": "準備完了", "en": "Prepared"}],
        **changes,
    }


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return builders.make_services(tmp_path)


@pytest.fixture
async def operator(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    async with builders.client(services, "internal") as client:
        yield client


@pytest.fixture
async def browser(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    async with builders.client(services) as client:
        client.headers.update({"Accept": "text/html", "Accept-Language": "en"})
        yield client


async def bring(operator: httpx.AsyncClient, **changes: Any) -> None:
    answer = await operator.post("/internal/v1/announcements", json=document(**changes))
    assert answer.status_code == 201, answer.text


async def test_it_is_on_every_page_in_the_reader_s_language_and_told_whole_on_its_own(
    operator: httpx.AsyncClient, browser: httpx.AsyncClient, services: Services
) -> None:
    await bring(operator)
    for path in ("/sign-in", "/about"):
        assert "Moving the database" in (await browser.get(path)).text
        assert "データベースの移行" in (await browser.get(path, headers={"Accept-Language": "ja"})).text
    browser.cookies.set(security.SESSION_COOKIE, builders.make_administrator(services))
    assert "Moving the database" in (await browser.get("/transfers")).text
    page = (await browser.get("/announcements")).text
    for words in ("Maintenance", "No file is lost.", "&lt;script&gt;", "Prepared", "6 Jan 2026, 15:00 UTC"):
        assert words in page
    assert page.count("Moving the database") == 1


async def test_a_member_reads_it_by_the_api_and_nobody_else_does(
    operator: httpx.AsyncClient, browser: httpx.AsyncClient, services: Services
) -> None:
    await bring(operator)
    assert (await browser.get("/api/v1/announcements")).status_code == 401
    browser.cookies.set(security.SESSION_COOKIE, builders.make_administrator(services))
    [found] = (await browser.get("/api/v1/announcements")).json()["announcements"]
    assert found["text"]["ja"]["title"] == "データベースの移行"
    assert found["until"] == "2026-01-06T18:00:00Z"


async def test_over_it_disappears_by_itself_and_the_operator_still_sees_it(
    operator: httpx.AsyncClient, browser: httpx.AsyncClient, services: Services
) -> None:
    await bring(operator)
    builders.clock_of(services).advance(days=1, hours=15)
    assert "Moving the database" not in (await browser.get("/about")).text
    answer = await operator.get("/internal/v1/announcements")
    assert answer.json() == {"announcements": {"db-move": DIGEST}}


async def test_brought_again_it_replaces_and_taken_back_it_is_gone(
    operator: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await bring(operator)
    later = {"title": "Moved to later", "body": "x"}
    await bring(operator, digest="1" * 64, text={"ja": later, "en": later})
    assert (await browser.get("/about")).text.count("Moved to later") == 1
    assert (await operator.delete("/internal/v1/announcements/db-move")).json() == {"withdrawn": True}
    assert (await operator.delete("/internal/v1/announcements/db-move")).json() == {"withdrawn": False}
    assert "Moved to later" not in (await browser.get("/about")).text


async def test_an_incident_comes_before_the_rest(operator: httpx.AsyncClient, services: Services) -> None:
    await bring(operator, id="down", type="Incident", until=None)
    await bring(operator, id="planned")
    assert [each.id for each in announcements.current(services)] == ["down", "planned"]


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "Advertisement"},
        {"id": "../etc"},
        {"digest": "x"},
        {"until": "tomorrow"},
        {"until": "2026-01-06T18:00:00"},
        {"text": {"en": {"title": "t", "body": "b"}}},
        {"more": 1},
    ],
)
async def test_what_is_out_of_shape_is_refused(operator: httpx.AsyncClient, changes: dict[str, Any]) -> None:
    answer = await operator.post("/internal/v1/announcements", json=document(**changes))
    assert answer.status_code in {400, 422}
    assert (await operator.get("/internal/v1/announcements")).json() == {"announcements": {}}


async def test_there_is_an_end_to_how_many_are_kept(operator: httpx.AsyncClient) -> None:
    for number in range(announcements.MOST):
        await bring(operator, id=f"a{number}")
    answer = await operator.post("/internal/v1/announcements", json=document(id="more"))
    assert answer.status_code == 409
    await bring(operator, id="a0", digest="1" * 64)


async def test_the_public_port_takes_none(browser: httpx.AsyncClient) -> None:
    for answer in (
        await browser.post("/internal/v1/announcements", json=document()),
        await browser.get("/internal/v1/announcements"),
    ):
        assert answer.status_code == 404
