"""Shared ground of the app's tests: services on a real, migrated SQLite file with a clock that the test moves."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from kozutumi_app.adapters.database import migrate
from kozutumi_app.adapters.database.engine import FILE_NAME, Database
from kozutumi_app.adapters.password_hashing import Argon2Passwords
from kozutumi_app.application import Port, create_application
from kozutumi_app.background import workers
from kozutumi_app.crypto.live_keys import LiveKeys
from kozutumi_app.domain.memory_budget import MemoryBudget
from kozutumi_app.domain.ports import Mail, ScannerStatus, StoredObject, UnfinishedUpload, Verdict
from kozutumi_app.domain.rate_limits import RateLimiter
from kozutumi_app.errors import MailUnavailable, ObjectMissing, ScannerUnavailable, StorageUnavailable
from kozutumi_app.services import Services
from kozutumi_app.use_cases import invitations, jobs
from kozutumi_contract import keyring
from kozutumi_contract.secret import Secret
from kozutumi_contract.settings import AppSettings

START = datetime(2026, 1, 5, 3, 0, tzinfo=UTC)
PUBLIC_URL = "https://acme.kozutumi.test:30443"
ADMINISTRATOR = "admin@acme.test"
PASSWORD = "correct horse battery staple"


class CountingRandom:
    """Different at each call, and in each process the same: SHAKE-256 over a counter."""

    def __init__(self) -> None:
        self._counter = 0
        self._lock = threading.Lock()

    def __call__(self, size: int, /) -> bytes:
        with self._lock:
            self._counter += 1
            return hashlib.shake_256(self._counter.to_bytes(8, "big")).digest(size)


@dataclass
class MovableClock:
    time: datetime = START

    def now(self) -> datetime:
        return self.time

    def advance(self, **duration: float) -> None:
        self.time += timedelta(**duration)


@dataclass
class MemoryBlobs:
    """A bucket in memory; `down` makes every call fail as an unreachable store does."""

    objects: dict[str, bytes] = field(default_factory=dict)
    down: bool = False
    clock: MovableClock = field(default_factory=MovableClock)
    modified: dict[str, datetime] = field(default_factory=dict)
    multiparts: list[UnfinishedUpload] = field(default_factory=list)

    def put(self, key: str, data: bytes | bytearray | memoryview) -> None:
        self.check()
        self.objects[key] = bytes(data)
        self.modified[key] = self.clock.now()

    def get(self, key: str, *, offset: int = 0, length: int | None = None) -> bytes:
        self.check()
        if key not in self.objects:
            raise ObjectMissing
        return self.objects[key][offset : None if length is None else offset + length]

    def delete(self, key: str) -> None:
        self.check()
        self.objects.pop(key, None)

    def list(self, prefix: str) -> Iterator[str]:
        self.check()
        yield from [key for key in list(self.objects) if key.startswith(prefix)]  # other threads put meanwhile

    def entries(self, prefix: str) -> Iterator[StoredObject]:
        yield from [StoredObject(key, self.modified.get(key, START)) for key in self.list(prefix)]

    def unfinished(self) -> Sequence[UnfinishedUpload]:
        self.check()
        return tuple(self.multiparts)

    def abort(self, upload: UnfinishedUpload) -> None:
        self.check()
        self.multiparts.remove(upload)

    def check(self) -> None:
        if self.down:
            raise StorageUnavailable

    def credential(self) -> str:
        return "0123456789abcdef"


@dataclass
class MemoryArchive:
    """A locked bucket in memory: what is put over an object does not take its place for who keeps the first version."""

    objects: dict[str, bytes] = field(default_factory=dict)
    down: bool = False

    def put(self, key: str, data: bytes) -> None:
        self._check()
        self.objects[key] = data

    def get(self, key: str) -> bytes:
        self._check()
        if key not in self.objects:
            raise ObjectMissing
        return self.objects[key]

    def list_after(self, prefix: str, after: str) -> Iterator[str]:
        self._check()
        yield from sorted(key for key in self.objects if key.startswith(prefix) and key > after)

    def _check(self) -> None:
        if self.down:
            raise StorageUnavailable


@dataclass
class MarkerScanner:
    """Finds the word INFECTED in the content, with signatures published at `published`."""

    clock: MovableClock
    down: bool = False
    published: datetime | None = None

    def scan(self, chunks: Iterable[bytes]) -> Verdict:
        if self.down:
            raise ScannerUnavailable
        content = b"".join(chunks)
        published = self.published or self.clock.now()
        if b"INFECTED" in content:
            return Verdict("infected", "Test.Marker", None, "1", published)
        return Verdict("clean", None, None, "1", published)

    def status(self) -> ScannerStatus:
        if self.down:
            return ScannerStatus(ok=False, message="The virus scanner is not available.")
        return ScannerStatus(ok=True, message="", signature_version="1", signature_age_seconds=0, self_test=True)


@dataclass
class Outbox:
    """Keeps what would be mailed."""

    mails: list[Mail] = field(default_factory=list)
    down: bool = False

    def send(self, mail: Mail) -> None:
        self.check()
        self.mails.append(mail)

    def check(self) -> None:
        if self.down:
            raise MailUnavailable

    def last_to(self, address: str) -> Mail:
        return [mail for mail in self.mails if mail.to == address][-1]


def make_settings(**changes: Any) -> AppSettings:
    settings = AppSettings(
        service_code="acme",
        display_name_ja="アクメ株式会社",
        display_name_en="Acme Inc.",
        public_url=PUBLIC_URL,
        s3_endpoint="https://s3.test:7070",
        s3_region="test",
        content_bucket="kozutumi-acme",
        archive_bucket="kozutumi-acme-archive",
        scanner_url="https://scanner.kz-acme.svc:3311",
        smtp_host="smtp.test",
        smtp_port=1025,
        mail_from="noreply@kozutumi.test",
    )
    return replace(settings, **changes)


def make_services(tmp_path: Path, *, settings: AppSettings | None = None, **replaced: Any) -> Services:
    """Services over a migrated database in `tmp_path`; any field can be replaced by name."""
    settings = settings or make_settings()
    random = CountingRandom()
    clock = replaced.pop("clock", None) or MovableClock()
    ring = keyring.generate(random, "2026-01-01T00:00:00Z")
    database = Database(tmp_path / FILE_NAME)
    migrate.upgrade(database)
    services = Services(
        settings=settings,
        database=database,
        keys=LiveKeys(ring),
        session_key=Secret(random(32)),
        blobs=MemoryBlobs(clock=clock),
        archive=MemoryArchive(),
        scanner=MarkerScanner(clock),
        mailer=Outbox(),
        clock=clock,
        random=random,
        budget=MemoryBudget(settings.segment_memory),
        passwords=Argon2Passwords(memory_kib=64),
        limits=RateLimiter(),
    )
    return replace(services, **replaced)


def clock_of(services: Services) -> MovableClock:
    assert isinstance(services.clock, MovableClock)
    return services.clock


def outbox(services: Services) -> Outbox:
    assert isinstance(services.mailer, Outbox)
    return services.mailer


def run_jobs(services: Services, limit: int = 100) -> int:
    """Run everything that is due; returns how many jobs ran."""
    every = workers(services)
    count = 0
    while count < limit and jobs.run_one(services, every):
        count += 1
    return count


def client(services: Services, which: Port = "public") -> httpx.AsyncClient:
    """A browser of its own, speaking ASGI to the application of one port."""
    transport = httpx.ASGITransport(create_application(services, which), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=services.settings.public_url)


def invitation_token(mail: Mail) -> str:
    found = re.search(r"/invitations/(\S+)", mail.text)
    assert found is not None
    return found[1]


def link_id(mail: Mail) -> str:
    found = re.search(r"/r/(\S+)", mail.text)
    assert found is not None
    return found[1]


def code(mail: Mail) -> str:
    found = re.search(r"^\d{8}$", mail.text, re.MULTILINE)
    assert found is not None
    return found[0]


def make_administrator(services: Services, email: str = ADMINISTRATOR, name: str = "管理 太郎") -> str:
    """Invite and accept; returns a session's cookie value."""
    invitations.invite_administrators(services, [email])
    run_jobs(services)
    token = invitation_token(outbox(services).last_to(email))
    return invitations.accept(services, token, name=name, password=PASSWORD, client="test")
