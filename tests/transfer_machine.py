"""Histories of one organization, invented by hypothesis: people act, time passes, parts fail, the app is killed."""

from __future__ import annotations

import base64
import hashlib
import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

import crash_rules as rules
import people_world as people
from crash_world import Template, World
from download_machine import KILLED, MARKER, PICK, RARELY, SIZES, Recipients, Sent
from kozutumi_app.adapters.database.schema import files, transfers
from kozutumi_app.use_cases import reconciling, usage
from kozutumi_app.use_cases import upload as uploads

OFFSET_STREAM = "application/offset+octet-stream"
SELDOM_KILLED = st.sampled_from([*[None] * 40, *range(16)])


class Organization(Recipients):
    template: ClassVar[Template]
    tally: ClassVar[Counter[str]] = Counter()  # of all histories, so that a run can say what it has seen

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory(prefix="kz-")
        self.world = World(self.template, Path(self._folder.name))
        self.limits: dict[str, int] = {}
        self.sent: dict[str, Sent] = {}
        self._number = 0

    @initialize()
    def first_draft(self) -> None:
        self.draft(limit=1, killed=None, both=False)

    @rule(limit=st.integers(1, 2), both=RARELY, killed=KILLED)
    def draft(self, limit: int, killed: int | None, *, both: bool) -> None:
        to = [{"email": address} for address in (people.RECIPIENT, "second@outside.test")[: 1 + both]]
        body = {"recipients": to, "subject": "s", "max_downloads": limit}
        content = json.dumps(body).encode()
        answer = self.world.survives(
            lambda: self.world.member("POST", "/api/v1/transfers", content, Content_Type="application/json"), killed
        )
        self._expect(answer, {201})
        for row in rules.rows(self.world, transfers):
            self.limits.setdefault(row.id, row.max_downloads)

    @rule(which=PICK, size=SIZES, infected=RARELY, first=st.booleans(), killed=KILLED)
    def create(self, which: int, size: int, *, infected: bool, first: bool, killed: int | None) -> None:
        content = self._content(size, infected=infected)
        transfer = self._transfer(which)
        if first:
            self._create(transfer, content, killed, body=content, Content_Type=OFFSET_STREAM)
        else:
            self._create(transfer, content, killed)

    @rule(which=PICK, size=SIZES, killed=KILLED)
    def create_part(self, which: int, size: int, killed: int | None) -> None:
        content = self._content(size, infected=False)
        self._create(self._transfer(which), content, killed, Upload_Concat="partial")

    @precondition(lambda self: any(sent.part for sent in self.sent.values()))
    @rule(which=PICK, count=st.integers(1, 3), killed=KILLED)
    def join(self, which: int, count: int, killed: int | None) -> None:
        transfer = self._transfer(which)
        mine = [name for name, sent in self.sent.items() if sent.part and sent.transfer_id == transfer][-count:]
        content = b"".join(self.sent[name].content for name in mine)
        concat = "final;" + " ".join(f"/files/{name}" for name in mine)
        self._create(transfer, content, killed, length=False, Upload_Concat=concat)

    @precondition(lambda self: bool(self.sent))
    @rule(
        which=PICK,
        share=st.sampled_from([0.3, 0.5, 1, 1]),
        checksum=st.sampled_from(["", "", "right", "wrong"]),
        killed=KILLED,
    )
    def append(self, which: int, share: float, checksum: str, killed: int | None) -> None:
        file_id, sent = self._upload(which)
        piece = sent.content[sent.acknowledged :]
        piece = piece[: max(1, int(len(piece) * share))]
        headers = {"Content_Type": OFFSET_STREAM, "Upload_Offset": str(sent.acknowledged)}
        if checksum:
            digest = hashlib.sha256(piece if checksum == "right" else piece + b"!").digest()
            headers["Upload_Checksum"] = "sha256 " + base64.b64encode(digest).decode()
        answer = self.world.survives(lambda: self.world.member("PATCH", f"/files/{file_id}", piece, **headers), killed)
        self._expect(answer, {204, 403, 404, 409, 410, 460})
        if answer is not None and answer.status_code == 204 and "Upload-Offset" in answer.headers:
            assert not (checksum == "wrong" and int(answer.headers["Upload-Offset"]) > sent.acknowledged)
            sent.acknowledged = int(answer.headers["Upload-Offset"])
            self.tally["appends"] += 1
        self._ask_offset(file_id, sent)  # of what was started again, too

    @rule(size=st.sampled_from([7, 300, 70_000]), killed=st.lists(KILLED, min_size=3, max_size=3))
    def upload_in_pieces(self, size: int, killed: list[int | None]) -> None:
        self.draft(1, None, both=False)
        self.create(0, size, infected=False, first=False, killed=killed[0])
        shares = ((0.3, killed[1]), (0.5, killed[2]), (1, None))
        for share, each in shares if self.sent else ():
            self.append(12, share, "", each)  # the latest

    @precondition(lambda self: bool(self.sent))
    @rule(which=PICK)
    def ask_offset(self, which: int) -> None:
        self._ask_offset(*self._upload(which))

    @precondition(lambda self: bool(self.sent))
    @rule(which=PICK, killed=KILLED)
    def cancel_upload(self, which: int, killed: int | None) -> None:
        file_id, sent = self._upload(which)
        answer = self.world.survives(lambda: self.world.member("DELETE", f"/files/{file_id}"), killed)
        self._expect(answer, {204, 404, 409, 410})
        sent.ended = sent.ended or (answer is not None and answer.status_code == 204)

    @rule(which=PICK, act=st.sampled_from([*["send"] * 6, "recall", "cancel"]), killed=KILLED)
    def decide(self, which: int, act: str, killed: int | None) -> None:
        transfer = self._transfer(which)
        path = f"/api/v1/transfers/{transfer}/{act}"
        answer = self.world.survives(lambda: self.world.member("POST", path), killed)
        self._expect(answer, {200, 204, 409})
        if act != "send" and answer is not None and answer.status_code < 300:
            for sent in self.sent.values():
                sent.ended = sent.ended or sent.transfer_id == transfer

    @rule(limit=st.integers(1, 12), killed=KILLED)
    def work(self, limit: int, killed: int | None) -> None:
        self.world.survives(lambda: self.world.run_jobs(limit), killed)

    @rule(time=st.sampled_from([*[{"minutes": 2}] * 4, {"hours": 7}, {"hours": 25}, {"days": 8}]), killed=KILLED)
    def time_passes(self, time: dict[str, float], killed: int | None) -> None:
        self.world.wait(**time)
        self.world.survives(lambda: uploads.expire_due(self.world.services), killed)

    @rule(killed=KILLED)
    def compare(self, killed: int | None) -> None:
        if self.world.blobs.down:
            return
        self.world.survives(lambda: reconciling.reconcile(self.world.services, reconciling.SUBJECT), killed)

    @rule(part=st.sampled_from(["blobs", "scanner", "outbox"]), down=RARELY)
    def fail_or_heal(self, part: str, *, down: bool) -> None:
        getattr(self.world, part).down = down

    @rule(
        sizes=st.lists(SIZES, min_size=1, max_size=2),
        limit=st.integers(1, 2),
        both=RARELY,
        infected=RARELY,
        killed=st.lists(SELDOM_KILLED, min_size=4, max_size=4),
    )
    def deliver(self, sizes: list[int], limit: int, killed: list[int | None], *, both: bool, infected: bool) -> None:
        """What most people do most of the time."""
        self.draft(limit, killed[0], both=both)
        for size in sizes:
            self.create(0, size, infected=infected, first=True, killed=killed[1])
        self.decide(0, "send", killed[2])
        self.work(12, killed[3])
        self.time_passes({"minutes": 2}, None)
        self.work(12, None)

    @invariant()
    def nothing_acknowledged_is_lost(self) -> None:
        down, self.world.blobs.down = self.world.blobs.down, False
        for file in rules.rows(self.world, files, files.c.deleted_at.is_(None)):
            sent = self.sent[file.id]
            assert file.offset >= sent.acknowledged
            content = rules.stored_content(self.world, file)
            assert (len(content), sent.content.startswith(content)) == (file.offset, True)
        self.world.blobs.down = down

    @invariant()
    def quota_is_what_lives(self) -> None:
        gone = {file.id for file in rules.rows(self.world, files, files.c.deleted_at.is_not(None))}
        there = {file.id for file in rules.rows(self.world, files)}
        assert all(name in gone or name not in there for name, sent in self.sent.items() if sent.ended)
        with self.world.services.database.read() as tx:
            used = usage.measure(tx).bytes
        assert used == rules.quota(self.world) <= self.world.services.settings.quota_storage
        assert self.world.services.budget.used == 0

    @invariant()
    def everything_is_as_it_must_be(self) -> None:
        rules.check_states(self.world)
        rules.check_events(self.world, self.downloads)

    def teardown(self) -> None:
        """Healed and left alone, it comes to rest: nothing stays reserved, and nothing without an owner."""
        try:
            self._heal()
            self._send_the_rest()
            self.nothing_acknowledged_is_lost()
            self._come_to_rest(hours=26)
            rules.check_no_orphan(self.world, older_than=reconciling.GRACE)
            self.nothing_acknowledged_is_lost()
            self._come_to_rest(days=60)
            rules.check_no_orphan(self.world, older_than=reconciling.GRACE)
            self.everything_is_as_it_must_be()
            assert rules.quota(self.world) == 0
            assert self.world.blobs.objects == {}
        finally:
            self._count()
            self.world.services.database.close()
            self._folder.cleanup()

    def _count(self) -> None:
        told = Counter(kind for kind, _, _ in rules.events(self.world))
        self.tally.update(told)
        self.tally.update({"histories": 1, "kills": self.world.deaths})
        self.count_downloads()

    def _heal(self) -> None:
        for part in (self.world.blobs, self.world.scanner, self.world.outbox):
            part.down = False
        self.world.start()

    def _come_to_rest(self, **time: float) -> None:
        for _ in range(3):
            self.world.wait(**time)
            uploads.expire_due(self.world.services)
            self.world.run_jobs(500)
            reconciling.reconcile(self.world.services, reconciling.SUBJECT)

    def _create(
        self,
        transfer: str,
        content: bytes,
        killed: int | None,
        *,
        body: bytes | None = None,
        length: bool = True,
        **headers: str,
    ) -> None:
        pairs = {"transfer": transfer, "filename": "f.bin"}
        named = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items())
        every = {"Upload_Metadata": named} | ({"Upload_Length": str(len(content))} if length else {}) | headers
        answer = self.world.survives(lambda: self.world.member("POST", "/files/", body, **every), killed)
        self._expect(answer, {201, 400, 404, 409, 410, 413, 422})
        for file in rules.rows(self.world, files):
            if file.id not in self.sent:
                self.sent[file.id] = Sent(transfer, content, part=file.state == "Part")
        if answer is not None and answer.status_code == 201:
            sent = self.sent[answer.headers["Location"].rsplit("/", 1)[1]]
            sent.acknowledged = int(answer.headers.get("Upload-Offset", "0"))

    def _content(self, size: int, *, infected: bool) -> bytes:
        """Different each time, so that bytes of another file would be noticed."""
        self._number += 1
        seed = hashlib.shake_128(self._number.to_bytes(8, "big")).digest(max(size, 1))[:size]
        return seed[: size // 2] + MARKER + seed[size // 2 :] if infected and size > 1 else seed

    def deliver_one(self, size: int, limit: int) -> None:
        self.deliver([size], limit, [None] * 4, both=False, infected=False)

    def upload_one(self, size: int) -> None:
        self.draft(1, None, both=False)
        self.create(0, size, infected=False, first=True, killed=None)
        self.work(12, None)

    def _transfer(self, which: int) -> str:
        ids = list(self.limits)
        return ids[-1 - which % min(len(ids), 3)]  # of the latest

    def _upload(self, which: int) -> tuple[str, Sent]:
        """Of the latest, mostly one that is not whole yet."""
        ids = (self._unfinished() if which > 1 else []) or list(self.sent)
        name = ids[-1 - which % min(len(ids), 4)]
        return name, self.sent[name]

    def _unfinished(self) -> list[str]:
        return [name for name, sent in self.sent.items() if not sent.ended and sent.acknowledged < len(sent.content)]

    def _ask_offset(self, file_id: str, sent: Sent) -> bool:
        """Whether the upload can go on, from where its sender knows now."""
        answer = self.world.member("HEAD", f"/files/{file_id}")
        if answer.status_code != 200 or "Upload-Offset" not in answer.headers:
            return False
        assert int(answer.headers["Upload-Offset"]) >= sent.acknowledged
        sent.acknowledged = int(answer.headers["Upload-Offset"])
        return True

    def _send_the_rest(self) -> None:
        for name in self._unfinished():
            sent = self.sent[name]
            if self._ask_offset(name, sent) and sent.acknowledged < len(sent.content):
                headers = {"Content_Type": OFFSET_STREAM, "Upload_Offset": str(sent.acknowledged)}
                answer = self.world.member("PATCH", f"/files/{name}", sent.content[sent.acknowledged :], **headers)
                assert answer.status_code == 204, answer.text
                sent.acknowledged = len(sent.content)

    @staticmethod
    def _expect(answer: Any, statuses: set[int]) -> None:
        assert answer is None or answer.status_code in statuses | {503}, answer.text
