"""A real clamd with the real agent on loopback, for integration tests of the scanner and of the app."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.asymmetric import ec

from certificates import Authority, private_pem, public_pem
from kozutumi_contract import paths, tls
from kozutumi_contract.settings import MirrorSettings, ScannerSettings, to_environment
from kozutumi_scanner import databases, files, manifest, publishing
from kozutumi_scanner.manifest import File, Manifest

HOST = "localhost"
START_SECONDS = 180
# Below the ports that the kernel gives to whoever asks for any (ip(7), ip_local_port_range): no connection takes one first.
PORTS = range(20_000, 30_000)
BUILTIN = publishing.builtin().decode()

_AGENT = """
import asyncio, os, sys
from kozutumi_contract.settings import ScannerSettings, from_environment
from kozutumi_scanner import logs, starting
logs.configure()
own = from_environment(ScannerSettings, os.environ)
asyncio.run(starting.serve_agent(own, host="127.0.0.1", port=int(sys.argv[1]), metrics_port=int(sys.argv[2])))
"""
_MIRROR = """
import asyncio, os, sys
from kozutumi_contract.settings import MirrorSettings, from_environment
from kozutumi_scanner import logs, starting
logs.configure()
own = from_environment(MirrorSettings, os.environ)
asyncio.run(starting.serve_mirror(own, host="127.0.0.1", port=int(sys.argv[1])))
"""


@dataclass
class Processes:
    """Starts programs with their output in a log file, and ends all of them."""

    folder: Path
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(  # noqa: S603 - programs of our own
                command, env={"PATH": os.environ["PATH"], **environment}, stdout=log, stderr=subprocess.STDOUT
            )

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        process = self._running.pop(name)
        process.send_signal(number)
        process.wait(30)

    def signal(self, name: str, number: int) -> None:
        self._running[name].send_signal(number)

    def is_running(self, name: str) -> bool:
        return self._running[name].poll() is None

    def pid(self, name: str) -> int:
        return self._running[name].pid

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def kill_all(self) -> None:
        for name in list(self._running):
            self.kill(name)


@dataclass
class RunningScanner:
    """`url` takes the app's certificate in `client_folder` (tls.crt, tls.key, ca.crt of the server)."""

    settings: ScannerSettings
    url: str
    metrics_url: str
    client_folder: Path
    monitoring_folder: Path
    mirror_key: ec.EllipticCurvePrivateKey
    processes: Processes

    def start_clamd(self) -> None:
        command = [sys.executable, "-m", "kozutumi_scanner", "clamd"]
        self.processes.start("clamd", command, to_environment(self.settings))

    def kill_clamd(self) -> None:
        """As a crash would: no goodbye, a stale socket left behind."""
        self.processes.kill("clamd")

    def start_agent(self) -> None:
        agent_port, metrics_port = self.url.rsplit(":", 1)[1], self.metrics_url.rsplit(":", 1)[1]
        command = [sys.executable, "-c", _AGENT, agent_port, metrics_port]
        self.processes.start("agent", command, to_environment(self.settings))

    def kill_agent(self) -> None:
        self.processes.kill("agent")

    def write_signatures(self, text: str) -> None:
        files.replace(Path(self.settings.database_directory) / databases.CUSTOM, text.encode())

    def publish(self, published: dt.datetime, version: str = "test-1") -> None:
        """Give the agent a manifest over the present signatures, known to be the newest at `published`."""
        folder = Path(self.settings.database_directory)
        listed = {path.name: File(databases.digest(path), path.stat().st_size) for path in databases.find(folder)}
        raw = manifest.serialize(Manifest(version, published, listed), self.mirror_key)
        files.replace(Path(self.settings.run_directory) / manifest.FILE_NAME, raw)

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, verify=mutual(self.client_folder), timeout=60)

    def status(self) -> dict[str, object]:
        with self.client() as client:
            answer: dict[str, object] = client.get("/v1/status").json()
            return answer

    def wait_until(self, condition: Callable[[dict[str, object]], object]) -> dict[str, object]:
        """The first status that meets `condition`."""
        last: dict[str, object] = {}

        def met() -> bool:
            nonlocal last
            with contextlib.suppress(httpx.TransportError):
                last = self.status()
                return bool(condition(last))
            return False

        wait_until(met, lambda: f"status {last}; agent log:\n{self.processes.log('agent')}")
        return last


@contextlib.contextmanager
def running_scanner(
    *,
    temporary_directory: Path | None = None,
    max_scan_size: int = 2**31 - 1,
    scan_timeout: int = 60,
    busy_wait: int = 5,
) -> Iterator[RunningScanner]:
    """Start clamd and the agent with EICAR as the only signature and fresh times; wait until they are ready."""
    with scratch() as folder:
        for name in ("run", "databases", "tmp", "log"):
            (folder / name).mkdir()
        settings = ScannerSettings(
            service_code="test",
            mirror_url="https://localhost:1",
            clamd_socket=str(folder / "run/clamd.sock"),
            database_directory=str(folder / "databases"),
            secrets_directory=str(folder / "secrets"),
            run_directory=str(folder / "run"),
            temporary_directory=str(temporary_directory or folder / "tmp"),
            max_scan_size=max_scan_size,
            scan_timeout=scan_timeout,
            busy_wait=busy_wait,
        )
        scanner = _prepare(folder, settings)
        try:
            scanner.start_clamd()
            scanner.start_agent()
            scanner.wait_until(lambda status: status["ok"] and status["signature_version"])
            yield scanner
        finally:
            scanner.processes.kill_all()


def _prepare(folder: Path, settings: ScannerSettings) -> RunningScanner:
    server, app, monitoring = Authority("server CA"), Authority("app client CA"), Authority("monitoring client CA")
    secrets = folder / "secrets"
    server.issue(secrets / paths.SCANNER_TLS, [HOST, "scanner.kz-test.svc"], peer=app)
    server.issue(secrets / paths.METRICS_TLS, [HOST, "scanner.kz-test.svc"], peer=monitoring)
    key = ec.generate_private_key(ec.SECP256R1())
    (secrets / paths.MIRROR_PUBLIC_KEY).parent.mkdir()
    (secrets / paths.MIRROR_PUBLIC_KEY).write_bytes(public_pem(key))
    scanner = RunningScanner(
        settings=settings,
        url=f"https://{HOST}:{free_port()}",
        metrics_url=f"https://{HOST}:{free_port()}",
        client_folder=app.issue(folder / "client", ["app"], peer=server),
        monitoring_folder=monitoring.issue(folder / "monitoring", ["monitoring"], peer=server),
        mirror_key=key,
        processes=Processes(folder / "log"),
    )
    scanner.write_signatures(BUILTIN)
    scanner.publish(dt.datetime.now(dt.UTC))
    return scanner


@dataclass
class RunningMirror:
    settings: MirrorSettings
    url: str
    ca: Path
    key: ec.EllipticCurvePrivateKey
    seed: Path
    processes: Processes

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, verify=tls.client_context(self.ca).context, timeout=30)


@contextlib.contextmanager
def running_mirror() -> Iterator[RunningMirror]:
    """The real mirror over HTTPS with one signature of its own beside EICAR; the seed is read again each second."""
    with scratch() as folder:
        for name in ("run", "public", "seed", "log"):
            (folder / name).mkdir()
        (folder / "seed/own.ndb").write_text("Kozutumi.Test.Marker:0:*:" + b"kozutumi marker one".hex() + "\n")
        settings = MirrorSettings(
            seed_directory=str(folder / "seed"),
            seed_interval=1,
            public_directory=str(folder / "public"),
            run_directory=str(folder / "run"),
            secrets_directory=str(folder / "secrets"),
        )
        authority, key = Authority("platform CA"), ec.generate_private_key(ec.SECP256R1())
        authority.issue(folder / "secrets" / paths.MIRROR_TLS, [HOST])
        signing = folder / "secrets" / paths.MIRROR_SIGNING_KEY
        signing.parent.mkdir()
        signing.write_bytes(private_pem(key))
        ca = folder / "ca.crt"
        ca.write_bytes(authority.pem)
        port, processes = free_port(), Processes(folder / "log")
        mirror = RunningMirror(settings, f"https://{HOST}:{port}", ca, key, folder / "seed", processes)
        try:
            processes.start("mirror", [sys.executable, "-c", _MIRROR, str(port)], to_environment(settings))
            wait_until(lambda: _answers(mirror), lambda: processes.log("mirror"))
            yield mirror
        finally:
            processes.kill_all()


def _answers(mirror: RunningMirror) -> bool:
    with contextlib.suppress(httpx.TransportError), mirror.client() as client:
        return client.get("/manifest.json").status_code == httpx.codes.OK
    return False


def mutual(folder: Path) -> ssl.SSLContext:
    """A client's context of a folder with its pair and the server's ca.crt."""
    return tls.client_context(folder / tls.PEER_CA, folder).context


def wait_until(condition: Callable[[], bool], explain: Callable[[], str], seconds: float = START_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {explain()}")
        time.sleep(0.1)


def free_port() -> int:
    """Nobody listens there, and nobody else here was given it."""
    while True:
        port = secrets.choice(PORTS)
        if port not in _given and _is_free(port):
            _given.add(port)
            return port


_given: set[int] = set()


def _is_free(port: int) -> bool:
    with contextlib.suppress(OSError), socket.socket() as probe:
        probe.bind(("127.0.0.1", port))
        return True
    return False


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder with a short path: a unix socket's address holds 108 bytes, pytest's own folders are longer."""
    folder = Path(tempfile.mkdtemp(prefix="kz-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
