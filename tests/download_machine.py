"""What recipients do: open downloads, one beside another, read them whole or in part, go away, come back too late."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from abc import abstractmethod
from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

import crash_rules as rules
from crash_reader import Answer, ask
from crash_world import World
from download_model import LIFETIME, Downloads, Opened
from kozutumi_app.adapters.database.schema import files, recipients, transfers

MARKER = b"INFECTED"
KILLED = st.sampled_from([*[None] * 8, *range(16)])
RARELY = st.sampled_from([False] * 5 + [True])
PICK = st.integers(0, 7)
SIZES = st.sampled_from([0, 1, 7, 300, 70_000])
LATEST = 6  # of PICK: the latest transfer, whatever has become of it
SPAN = st.sampled_from([(0.0, 1.0)] * 3 + [(0.0, 0.5), (0.5, 1.0), (0.3, 0.6), (0.0, 0.01)])
HANGS_UP = st.sampled_from([None, None, None, 0, 1])
ARCHIVE = 10_000  # bytes that it has of its own at most
AGAIN = 20  # reads that come to more than a session may send


@dataclass
class Sent:
    """An upload as its sender knows it. `acknowledged` bytes must never be lost again."""

    transfer_id: str
    content: bytes
    acknowledged: int = 0
    part: bool = False
    ended: bool = False  # its end was acknowledged: its quota must be free at once


@dataclass(frozen=True)
class Wanted:
    transfer_id: str
    link: str
    proof: str  # cookie
    contents: dict[str, bytes]
    archive: bool

    @property
    def path(self) -> str:
        of_link = f"/api/v1/r/{self.link}"
        return f"{of_link}/archive" if self.archive else f"{of_link}/files/{next(iter(self.contents))}/download"


class Recipients(RuleBasedStateMachine):
    world: World
    limits: dict[str, int]  # of transfers, in their order
    sent: dict[str, Sent]
    tally: ClassVar[Counter[str]]

    def __init__(self) -> None:
        super().__init__()
        self.downloads = Downloads()

    @abstractmethod
    def deliver_one(self, size: int, limit: int) -> None: ...

    @abstractmethod
    def upload_one(self, size: int) -> None: ...

    @rule(which=PICK, archive=RARELY, goes_on=RARELY, killed=KILLED)
    def open(self, which: int, *, archive: bool, goes_on: bool, killed: int | None) -> None:
        wanted = self._wanted(which, archive=archive)
        if wanted is not None:
            self.world.survives(lambda: self.world.run(self._open(wanted, goes_on=goes_on)), killed)

    @rule(which=PICK, count=st.integers(2, 4), killed=KILLED)
    def open_side_by_side(self, which: int, count: int, killed: int | None) -> None:
        wanted = self._wanted(which)
        if wanted is not None:
            self.world.survives(lambda: self.world.run(self._race(wanted, count)), killed)

    @rule(which=PICK, span=SPAN, hangs_up_after=HANGS_UP, killed=KILLED)
    def read(self, which: int, span: tuple[float, float], hangs_up_after: int | None, killed: int | None) -> None:
        known = self.downloads.known()[-8:]
        if known:
            answer = Answer(hangs_up_after)
            one = known[-1 - which % len(known)]
            self.world.survives(lambda: self.world.run(self._read(one, span, answer)), killed)

    @rule(which=PICK, archive=RARELY, span=SPAN, again=st.booleans(), killed=KILLED)
    def take(self, which: int, span: tuple[float, float], *, archive: bool, again: bool, killed: int | None) -> None:
        """What most recipients do most of the time, and once more."""
        wanted = self._wanted(which, archive=archive)
        if wanted is not None:
            self.world.survives(lambda: self.world.run(self._take_times(wanted, span, 1 + again)), killed)

    @rule(which=PICK, archive=st.booleans(), hours=st.sampled_from([0, 13]), killed=KILLED)
    def read_slowly(self, which: int, hours: int, *, archive: bool, killed: int | None) -> None:
        """Between the first bytes and the next there is time for another download, of one of the files or of the same."""
        wanted = self._wanted(which, archive=archive)
        beside = self._wanted(which)
        if wanted is None or beside is None:
            return

        async def meanwhile() -> None:
            self.world.clock.advance(hours=hours)
            await self._take(beside, (0, 1))

        slowly = Answer(pause=meanwhile)
        self.world.survives(lambda: self.world.run(self._take(wanted, (0, 1), slowly)), killed)
        self.world.wait()  # members stay signed in

    @rule(which=PICK, killed=KILLED)
    def come_back_too_late(self, which: int, killed: int | None) -> None:
        """All that may be opened is opened and left, until its time is over."""
        wanted = self._wanted(which)
        if wanted is not None:
            self.world.survives(lambda: self.world.run(self._race(wanted, 3)), killed)
            self.world.wait(hours=13)
            self.world.survives(lambda: self.world.run(self._take(wanted, (0, 1))), killed)

    @rule(killed=KILLED)
    def read_too_often(self, killed: int | None) -> None:
        self.deliver_one(size=70_000, limit=1)
        wanted = self._wanted(LATEST)
        if wanted is not None:
            self.world.survives(lambda: self.world.run(self._take_often(wanted)), killed)

    @rule(size=SIZES, killed=KILLED)
    def knock_too_early(self, size: int, killed: int | None) -> None:
        """What is clean, but was not sent yet, is nobody's."""
        self.upload_one(size)
        self.tally["clean before sending"] += bool(self._clean(list(self.limits)[-1]))
        self.open(LATEST, archive=False, goes_on=False, killed=killed)

    @invariant()
    def a_step_is_counted(self) -> None:
        self.tally["steps"] += 1

    @invariant()
    def no_grant_is_used_past_its_limit(self) -> None:
        now = self.world.clock.now()
        for transfer_id, link, file_id in self.downloads.grants():
            assert self.downloads.surely(link, file_id, now) <= self.limits[transfer_id]
        rules.check_downloads(self.world, self.downloads)

    def count_downloads(self) -> None:
        used = Counter((one.transfer_id, one.link, file_id) for one in self.downloads.opened for file_id in one.used)
        reached = sum(count == self.limits[grant[0]] for grant, count in used.items())
        killed = sum(not one.cookie for one in self.downloads.opened)
        self.tally.update({"downloads": used.total(), "limits reached": reached, "killed while opening": killed})

    async def _race(self, wanted: Wanted, count: int) -> None:
        for outcome in await asyncio.gather(*(self._open(wanted) for _ in range(count)), return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def _take(self, wanted: Wanted, span: tuple[float, float], answer: Answer | None = None) -> None:
        one = await self._open(wanted)
        if one is not None:
            await self._read(one, span, answer or Answer())

    async def _take_times(self, wanted: Wanted, span: tuple[float, float], times: int) -> None:
        for _ in range(times):
            await self._take(wanted, span)

    async def _take_often(self, wanted: Wanted) -> None:
        one = await self._open(wanted)
        if one is not None:
            for _ in range(AGAIN):
                await self._read(one, (0, 1), Answer())

    async def _open(self, wanted: Wanted, *, goes_on: bool = False) -> Opened | None:
        now, readable = self.world.clock.now(), self._is_readable(wanted)
        before = self._before(wanted) if goes_on else None
        cookies = wanted.proof if before is None else f"{wanted.proof}; {before.cookie}"
        answer = await ask(self.world, Answer(), "POST", wanted.path, cookies)
        opened = Opened(wanted.transfer_id, wanted.link, wanted.contents, wanted.archive, now + LIFETIME)
        if answer.status == 201:
            assert readable
            return self._opened(opened, before, answer)
        if not answer.status:
            self.downloads.opened.append(opened)
            self.downloads.perhaps_continued += before is not None
            return None
        assert answer.status in {404, 409, 410, 503}, answer.content
        assert not readable or answer.status == 409
        if b"downloads_exhausted" in answer.content:
            self.tally["exhausted"] += 1
            limit = self.limits[wanted.transfer_id]
            assert any(self.downloads.perhaps(wanted.link, file_id, now) >= limit for file_id in wanted.contents)
        return None

    def _opened(self, opened: Opened, before: Opened | None, answer: Answer) -> Opened:
        now, limit = self.world.clock.now(), self.limits[opened.transfer_id]
        opened.cookie = answer.headers["set-cookie"].partition(";")[0]
        opened.url = json.loads(answer.content)["url"]
        if before is not None and before.cookie == opened.cookie:
            assert before.is_live(now)
            assert not before.is_complete
            self.downloads.continued += 1
            return before
        assert before is None or not before.is_live(now) or before.may_be_complete or not before.has_room
        self.downloads.opened.append(opened)
        for file_id in opened.contents:
            assert self.downloads.surely(opened.link, file_id, now) <= limit
            ever = sum(bool(one.cookie) for one in self.downloads.of(opened.link, file_id))
            self.tally["given back"] += ever > limit
        return opened

    async def _read(self, one: Opened, span: tuple[float, float], answer: Answer) -> None:
        size = len(one.content) if not one.archive else 0
        start, end = int(size * span[0]), max(int(size * span[1]), int(size * span[0]) + 1)
        headers = {"range": f"bytes={start}-{end - 1}"} if (start, end) != (0, size) and size else {}
        start, end = (start, end) if size else (0, 0)
        was_live = one.is_live(self.world.clock.now())
        await ask(self.world, answer, "GET", one.url, one.cookie, **headers)
        if one.archive:
            end = int(answer.headers.get("content-length", "0")) if answer.status else one.size + ARCHIVE
        one.take(answer, start, end)
        self.tally["cut off"] += answer.is_content and not answer.whole
        assert answer.is_content or answer.status in {0, 404, 410, 429, 503}, answer.content
        if answer.is_content:
            assert was_live
            self._check_content(one, answer, start, end)

    def _check_content(self, one: Opened, answer: Answer, start: int, end: int) -> None:
        assert rules.rows(self.world, transfers, transfers.c.id == one.transfer_id)[0].state == "Delivered"
        assert all(MARKER not in content for content in one.contents.values())
        if not one.archive:
            asked = one.content[start:end]
            assert answer.content == asked[: len(answer.content)]
            assert not answer.whole or answer.content == asked
        elif answer.whole:
            with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
                assert sorted(map(archive.read, archive.namelist())) == sorted(one.contents.values())

    def _wanted(self, which: int, *, archive: bool = False) -> Wanted | None:
        """Of what was delivered lately, and sometimes of whatever there is: nothing of that may come."""
        some = self._delivered() if which < 6 else list(self.limits)
        if which % 2 and not any(map(self._has_downloads_left, some[-2:])):
            self.deliver_one(size=9 if which < 4 else 70_000, limit=1 + which // 2 % 2)
            some = self._delivered()
        if not some:
            return None
        transfer_id = some[-1 - which % min(len(some), 2)]
        contents = self._contents(transfer_id, archive=archive)
        if not contents:
            return None
        if not archive:
            contents = dict([list(contents.items())[which % len(contents)]])
        links = rules.rows(self.world, recipients, recipients.c.transfer_id == transfer_id)
        link = links[which // 2 % len(links)].link_id
        return Wanted(transfer_id, link, self.world.proven(link), contents, archive)

    def _delivered(self) -> list[str]:
        delivered = {row.id for row in rules.rows(self.world, transfers, transfers.c.state == "Delivered")}
        return [name for name in self.limits if name in delivered]

    def _has_downloads_left(self, transfer_id: str) -> bool:
        now = self.world.clock.now()
        opened = [grant for grant in self.downloads.grants() if grant[0] == transfer_id]
        return not opened or any(self.downloads.surely(*grant[1:], now) < self.limits[transfer_id] for grant in opened)

    def _contents(self, transfer_id: str, *, archive: bool) -> dict[str, bytes]:
        if archive:
            return self._clean(transfer_id)
        return {name: sent.content for name, sent in self.sent.items() if sent.transfer_id == transfer_id}

    def _clean(self, transfer_id: str) -> dict[str, bytes]:
        here = (files.c.transfer_id == transfer_id, files.c.deleted_at.is_(None), files.c.state == "Clean")
        return {row.id: self.sent[row.id].content for row in rules.rows(self.world, files, *here)}

    def _is_readable(self, wanted: Wanted) -> bool:
        row: Any = rules.rows(self.world, transfers, transfers.c.id == wanted.transfer_id)[0]
        live = {
            file.id for file in rules.rows(self.world, files, files.c.deleted_at.is_(None), files.c.state == "Clean")
        }
        return row.state == "Delivered" and self.world.clock.now() < row.expires_at and wanted.contents.keys() <= live

    def _before(self, wanted: Wanted) -> Opened | None:
        same = [one for one in self.downloads.known() if (one.link, one.contents) == (wanted.link, wanted.contents)]
        return next((one for one in reversed(same) if one.archive == wanted.archive), None)
