"""Mail scanners and previews open every link of every mail before its reader does: nothing may come of it.

Each kind of mail that the app can send (`mailing.WRITERS`) is made to be sent by what people do; then every link in
its text and its HTML is asked for by GET and HEAD as several crawlers do, and database and bucket are compared whole.
A kind that nothing here makes the app send fails the test, so a new kind of mail needs an entry in tests/mail_causes.py.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import sqlalchemy as sa

import people_world as people
from builders import MemoryBlobs, client, make_services, outbox, run_jobs
from kozutumi_app.domain.ports import Mail
from kozutumi_app.services import Services
from kozutumi_app.use_cases import mailing
from mail_causes import CAUSES, MailWorld

CRAWLERS: Final = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36",
    "BarracudaSentinel (EE)",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "",
)
_LINK: Final = re.compile(r"https://[^\s\"<>]+")


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MailWorld]:
    services, sent = make_services(tmp_path), dict[str, list[Mail]]()
    original = mailing.send

    def watched(given: Services, subject_id: str) -> None:
        before = len(outbox(given).mails)
        original(given, subject_id)
        sent.setdefault(subject_id.partition(":")[0], []).extend(outbox(given).mails[before:])

    monkeypatch.setattr(mailing, "send", watched)
    administrator = await people.administrator(services)
    member = await people.member(services, administrator, "member@acme.test")
    yield MailWorld(services, administrator, member, sent)
    services.database.close()


def test_every_kind_of_mail_is_here() -> None:
    assert set(CAUSES) == set(mailing.WRITERS)


@pytest.mark.parametrize("kind", sorted(CAUSES))
async def test_what_a_crawler_does_with_a_mailed_link_changes_nothing(world: MailWorld, kind: str) -> None:
    await CAUSES[kind](world)
    run_jobs(world.services)
    assert world.sent.get(kind), f"nothing here makes the app send a mail of kind {kind}"
    before = everything(world.services)
    async with client(world.services) as crawler:
        for link in sorted({link for mail in world.sent[kind] for link in links(mail)}):
            for place in (link, f"{link}?utm_source=mail", f"{link}/verify", f"{link}/files"):
                await crawl(crawler, place)
    run_jobs(world.services)
    assert everything(world.services) == before


async def test_what_a_reader_of_the_mail_opens_by_get_alone_changes_nothing(world: MailWorld) -> None:
    """The same links in the browser of someone signed in: only what a session's own clock may change."""
    await CAUSES["received"](world)
    links_to_member = {link for kind in world.sent for mail in world.sent[kind] for link in links(mail)}
    before = everything(world.services, without={"sessions"})
    for link in sorted(links_to_member):
        for method in ("HEAD", "GET"):
            assert (await world.member.http.request(method, link)).status_code < 500
    assert everything(world.services, without={"sessions"}) == before


async def test_the_comparison_sees_a_change(world: MailWorld) -> None:
    _, link = await people.delivered(world.services, world.member)
    before = everything(world.services)
    assert (await client(world.services).post(f"/r/{link}/code")).status_code == 303
    assert everything(world.services) != before


async def crawl(crawler: httpx.AsyncClient, place: str) -> None:
    for agent in CRAWLERS:
        for method in ("HEAD", "GET"):
            crawler.cookies.clear()  # scanners keep none
            answer = await crawler.request(method, place, headers={"User-Agent": agent})
            assert answer.status_code < 500, (method, place)
            assert not any("session" in name or "recipient" in name or "guest" in name for name in answer.cookies)


def links(mail: Mail) -> set[str]:
    return {found.rstrip(".,)") for found in _LINK.findall(f"{mail.text} {mail.html}")}


def everything(services: Services, without: set[str] | None = None) -> dict[str, Any]:
    """Every row of every table, and every object of the bucket."""
    with services.database.read() as tx:
        names = tx.execute(sa.text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()
        tables = {
            name: sorted(repr(tuple(row)) for row in tx.execute(sa.text(f'SELECT * FROM "{name}"')))  # noqa: S608 - its own tables
            for name in names
            if name not in (without or set())
        }
    assert isinstance(services.blobs, MemoryBlobs)
    objects = {key: hashlib.sha256(content).hexdigest() for key, content in services.blobs.objects.items()}
    return tables | {"bucket": objects}
