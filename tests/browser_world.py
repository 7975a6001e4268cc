"""What the browser tests need from where the app runs: its address, its mail, and how Chromium trusts it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import builders
import malware_samples
from certificates import Authority
from kozutumi_app.adapters.clock import SystemClock
from kozutumi_app.application import create_application
from kozutumi_app.background import Background
from kozutumi_app.domain import ports
from kozutumi_app.domain.ports import ScannerStatus, Verdict
from kozutumi_app.services import Services
from kozutumi_app.serving import Server, server
from kozutumi_app.use_cases import announcements, consent, invitations
from kozutumi_app.use_cases.health import HealthMonitor
from kozutumi_contract import tls
from scanner_fixtures import free_port

PASSWORD = "correct horse battery staple"
UNSCANNABLE = malware_samples.zipped("plan.txt", b"a plan", encrypted=True)
PATIENCE_SECONDS = 60.0  # a busy machine with two cores is slow, not wrong


class World(Protocol):
    """One organization's app, wherever it runs."""

    url: str
    chromium_arguments: Sequence[str]
    infected: bytes
    unscannable: bytes
    """What no scanner can look into."""
    releases: bool
    """Whether the organization lets an administrator release what could not be scanned."""
    run: str
    """Part of the addresses of this run, so that two runs in one cluster do not meet."""

    def administrator(self) -> tuple[str, str] | None:
        """Address and password of an administrator who has accepted already, if there is one."""
        ...

    def invite_administrator(self) -> str:
        """Address of an administrator who has just been invited."""
        ...

    def mails(self, address: str) -> list[str]:
        """Texts of the mails to an address, oldest first."""
        ...


def wait_for_mail(world: World, address: str, pattern: str, *, after: int = 0) -> str:
    """First group of `pattern` in the newest mail to `address`, not counting the first `after` ones."""

    def found() -> str | None:
        matches = [
            match[1] for text in world.mails(address)[after:] if (match := re.search(pattern, text, re.MULTILINE))
        ]
        return matches[-1] if matches else None

    return wait_for(found, f"a mail to {address} with {pattern}")


def wait_for(attempt: Callable[[], str | None], what: str) -> str:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if (value := attempt()) is not None:
            return value
        time.sleep(0.1)
    raise AssertionError(f"waited in vain for {what}")


def trust(certificate: bytes, host: str, address: str) -> list[str]:
    """Arguments by which Chromium resolves `host` and accepts exactly this certificate's key."""
    key = x509.load_pem_x509_certificate(certificate).public_key()
    digest = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    return [
        f"--ignore-certificate-errors-spki-list={base64.b64encode(digest).decode()}",
        f"--host-resolver-rules=MAP {host} {address}",
    ]


@dataclass(frozen=True)
class Scanner:
    """Tells by the content as `base` does, and cannot look into the encrypted archive."""

    base: ports.Scanner

    def scan(self, chunks: Iterable[bytes]) -> Verdict:
        content = b"".join(chunks)
        told = self.base.scan([content])
        return replace(told, verdict="unscannable", reason="encrypted") if content == UNSCANNABLE else told

    def status(self) -> ScannerStatus:
        return self.base.status()


@dataclass
class Loopback:
    """The real application, database, job threads and TLS in this process; store, scanner and relay are simple ones."""

    services: Services
    url: str
    chromium_arguments: Sequence[str]
    infected: bytes = b"INFECTED" * 64
    unscannable: bytes = UNSCANNABLE
    releases: bool = True
    run: str = "1"

    def administrator(self) -> tuple[str, str] | None:
        return None

    def invite_administrator(self) -> str:
        address = "admin@acme.test"
        invitations.invite_administrators(self.services, [address])
        return address

    def mails(self, address: str) -> list[str]:
        return [mail.text for mail in list(builders.outbox(self.services).mails) if mail.to == address]


@contextmanager
def loopback(folder: Path) -> Iterator[Loopback]:
    host, port = "acme.kozutumi.test", free_port()
    authority = Authority("browser tests")
    pair = authority.issue(folder / "tls", [host])
    url = f"https://{host}:{port}"
    settings = builders.make_settings(public_url=url, unscannable="AdministratorRelease")
    services = builders.make_services(folder, settings=settings, clock=SystemClock())
    services = replace(services, scanner=Scanner(services.scanner))
    _act_as_provider(services)
    health = HealthMonitor(services)
    context = tls.server_context(pair, require_client=False)
    running = server(create_application(services, "public", health), context, host="127.0.0.1", port=port)
    background = Background(services, health, lambda _ready: None, lambda: None)
    background.start()
    thread = threading.Thread(target=asyncio.run, args=(running.serve(),), name="app")
    thread.start()
    try:
        _wait_started(running)
        arguments = trust((pair / "tls.crt").read_bytes(), host, "127.0.0.1")
        yield Loopback(services, url, arguments)
    finally:
        running.should_exit = True
        thread.join()
        background.stop()
        services.database.close()


def _act_as_provider(services: Services) -> None:
    """What the cluster's side does to an organization: announce, ask for a change, leave a foreign object behind."""
    words = {"title": "Maintenance on Sunday", "body": "The service stops for an hour."}
    japanese = {"title": "日曜日の計画停止", "body": "1時間ほど停止します。\n送信中のファイルは再開後に続けられます。"}
    times = {"from": "2026-01-04T01:00:00+00:00", "until": None}
    news = [{"at": "2026-01-04T01:30:00+00:00", "ja": "延長します。", "en": "It takes longer."}]
    document = {"id": "sunday", "type": "Maintenance", "text": {"ja": japanese, "en": words}, "timeline": news}
    announcements.put(services, document | times, "0" * 64, None)
    consent.tell(services, consent.Told("change-1", "spec.network.extraEgress", "[] → ['198.51.100.7/32']"))
    services.blobs.put("notes/foreign.txt", b"not of this service")


def _wait_started(running: Server) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not running.started and time.monotonic() < deadline:
        time.sleep(0.02)
    assert running.started
