"""An app that dies between any two writes: to the database, to the bucket, to the mail relay. Then it is started again.

A write that is counted down to zero happens or does not, and from then on the process does nothing more:
whatever its own clean-up would do is refused too, as for a process that was killed.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import anyio.to_thread
import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

import people_world as people
from builders import CountingRandom, MarkerScanner, MemoryBlobs, MovableClock, Outbox, make_services
from kozutumi_app.adapters.database.engine import FILE_NAME, Database
from kozutumi_app.adapters.database.schema import recipient_sessions, recipients, sessions, transfers
from kozutumi_app.application import create_application
from kozutumi_app.background import workers
from kozutumi_app.domain.memory_budget import MemoryBudget
from kozutumi_app.domain.ports import Mail, UnfinishedUpload
from kozutumi_app.domain.rate_limits import FailureCounts
from kozutumi_app.services import Services
from kozutumi_app.use_cases import jobs
from kozutumi_app.web.security import RECIPIENT_COOKIE, SESSION_COOKIE
from kozutumi_contract.settings import AppSettings

T = TypeVar("T")


class Killed(BaseException):
    """The process was killed here."""


@dataclass
class Plan:
    """How many writes are left until the process is killed; None for a process that lives on."""

    left: int | None = None
    dead: bool = False

    def write(self) -> None:
        """Stands before and after each write."""
        if self.dead:
            raise Killed
        if self.left is not None:
            if self.left == 0:
                self.dead = True
                raise Killed
            self.left -= 1


class MortalDatabase(Database):
    """The machine itself never dies, so nothing need wait for its disk."""

    plan: Plan

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        sa.event.listen(self.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))

    @contextmanager
    def write(self, *, guarded: bool = True) -> Iterator[sa.Connection]:
        if self.plan.dead:
            raise Killed
        with super().write(guarded=guarded) as tx:
            yield tx
            self.plan.write()  # killed before the commit
        self.plan.write()  # killed after it, before anybody was told


@dataclass
class MortalBlobs(MemoryBlobs):
    plan: Plan = field(default_factory=Plan)

    def put(self, key: str, data: bytes | bytearray | memoryview) -> None:
        self.plan.write()
        super().put(key, data)
        self.plan.write()

    def delete(self, key: str) -> None:
        self.plan.write()
        super().delete(key)
        self.plan.write()

    def abort(self, upload: UnfinishedUpload) -> None:
        self.plan.write()
        super().abort(upload)


@dataclass
class MortalOutbox(Outbox):
    """Looks, when a mail leaves, whether its transfer has been delivered."""

    plan: Plan = field(default_factory=Plan)
    database: Database | None = None
    early: list[str] = field(default_factory=list)

    def send(self, mail: Mail) -> Any:
        self.plan.write()
        assert self.database is not None
        query = sa.select(recipients.c.link_id).join(transfers).where(transfers.c.delivered_at.is_(None))
        with self.database.read() as tx:
            undelivered = list(tx.execute(query).scalars())
        self.early += [link for link in undelivered if link in mail.text]
        super().send(mail)
        self.plan.write()


@dataclass
class Template:
    """An organization with a member who is signed in, made once and copied for each history."""

    services: Services
    application: FastAPI
    cookie: str
    csrf: str


def make_template(folder: Path, settings: AppSettings) -> Template:
    services = make_services(folder, settings=settings)

    async def member() -> people.Browser:
        return await people.member(services, await people.administrator(services), "member@acme.test")

    browser = asyncio.run(member())
    cookie = browser.http.cookies[SESSION_COOKIE]
    services.database.close()
    return Template(services, create_application(services), cookie, browser.csrf)


class World:
    """One history of one organization."""

    def __init__(self, template: Template, folder: Path) -> None:
        shutil.copy(template.services.database.path, folder / FILE_NAME)
        self.plan, self.clock = Plan(), MovableClock(template.services.clock.now())
        database = MortalDatabase(folder / FILE_NAME)
        database.plan = self.plan
        self.blobs = MortalBlobs(clock=self.clock, plan=self.plan)
        self.outbox = MortalOutbox(plan=self.plan, database=database)
        self.scanner = MarkerScanner(self.clock)
        random = CountingRandom()
        random._counter = 10**6  # what the template has drawn is not drawn again, and each history draws the same
        self.services = replace(
            template.services,
            random=random,
            database=database,
            blobs=self.blobs,
            mailer=self.outbox,
            scanner=self.scanner,
            clock=self.clock,
        )
        self.application = template.application
        self._cookie, self._csrf = template.cookie, template.csrf
        self.deaths = 0
        self.start()

    def start(self) -> None:
        """A new process: nothing that was only in memory is left."""
        self.plan.left, self.plan.dead = None, False
        self.services = replace(
            self.services,
            budget=MemoryBudget(self.services.settings.segment_memory),
            failures=FailureCounts(),
        )
        self.services.limits._buckets.clear()  # the application's middleware holds the same limiter
        self.application.state.services = self.services
        for name in ("upload_locks", "downloads"):
            self.application.state._state.pop(name, None)

    def survives(self, act: Callable[[], T], killed_after: int | None) -> T | None:
        """What the act gave, or None when the process was killed meanwhile and started again."""
        self.plan.left = killed_after
        try:
            return act()
        except Killed:
            return None
        finally:
            self.deaths += self.plan.dead
            self.start()

    def member(self, method: str, path: str, content: bytes | None = None, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        every = {"X-CSRF-Token": self._csrf, "Tus-Resumable": "1.0.0"} | named

        async def ask() -> httpx.Response:
            async with self._client() as http:
                http.cookies.set(SESSION_COOKIE, self._cookie)
                return await http.request(method, path, content=content, headers=every)

        return self.run(ask())

    def run_jobs(self, limit: int) -> int:
        count = 0
        while count < limit and jobs.run_one(self.services, workers(self.services)):
            count += 1
        return count

    def wait(self, **duration: float) -> None:
        """Time passes; who is signed in stays so."""
        self.clock.advance(**duration)
        now = self.clock.now()
        with self.services.database.write() as tx:
            tx.execute(sa.update(sessions).values(last_seen_at=now, expires_at=now + timedelta(days=7)))

    def proven(self, link: str) -> str:
        """The cookie of a recipient who has proven their address, whatever the app has let them do so far."""
        now = self.clock.now()
        with self.services.database.write() as tx:
            recipient_id = tx.execute(sa.select(recipients.c.id).where(recipients.c.link_id == link)).scalar_one()
            mine = recipient_sessions.c.recipient_id == recipient_id
            tx.execute(sa.delete(recipient_sessions).where(mine))
            session = {"id_hash": _digest(link), "recipient_id": recipient_id, "created_at": now}
            tx.execute(sa.insert(recipient_sessions).values(session | {"expires_at": now + timedelta(days=1)}))
        return f"{RECIPIENT_COOKIE}-{link[:8]}={link}"

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it to its end, with all that the server does meanwhile."""

        async def until_quiet() -> T:
            try:
                return await work
            finally:
                while others := asyncio.all_tasks() - {asyncio.current_task()}:
                    await asyncio.wait(others)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(asyncio, "to_thread", _in_turn)
            patch.setattr(anyio.to_thread, "run_sync", lambda call, *args, **_: _in_turn(call, *args))
            return asyncio.run(until_quiet())

    def _client(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.application, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url=self.services.settings.public_url)


async def _in_turn(call: Callable[..., T], *args: Any, **options: Any) -> T:
    """In place of a thread: what runs side by side takes turns, the same in each run of a history."""
    await asyncio.sleep(0)
    return call(*args, **options)


def _digest(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode()).digest()
