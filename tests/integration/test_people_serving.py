"""The real servers on loopback: TLS, who may knock at which port, and how they stop."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import gettempdir

import httpx
import pytest

from builders import Outbox, make_settings
from certificates import Authority
from kozutumi_app import composition, serving
from kozutumi_app.adapters.database import migrate
from kozutumi_app.composition import Composition
from kozutumi_contract import keyring, paths
from kozutumi_contract.settings import to_environment
from scanner_fixtures import free_port

HOST = "localhost"


class Mounts:
    """The folders that the operator mounts, with an authority of its own for each port's clients."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.operator, self.monitoring, server = Authority("operator"), Authority("monitoring"), Authority("server")
        self.server = server
        server.issue(folder / paths.PUBLIC_TLS, [HOST])
        server.issue(folder / paths.INTERNAL_TLS, [HOST], peer=self.operator)
        server.issue(folder / paths.METRICS_TLS, [HOST], peer=self.monitoring)
        server.issue(folder / paths.SCANNER_CLIENT_TLS, [HOST], peer=server)
        self._write(paths.PLATFORM_CA, server.pem)
        self._write(paths.SESSION_KEY, bytes(range(32)))
        self._write(paths.KEYRING, keyring.serialize(keyring.generate(os.urandom, "2026-01-01T00:00:00Z")))
        self._write(paths.S3_ACCESS_KEY_ID, b"id")
        self._write(paths.S3_SECRET_ACCESS_KEY, b"key")

    def _write(self, path: str, content: bytes) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_bytes(content)

    def trusting(self, client: Authority | None) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=self.server.pem.decode())
        if client:
            pair = client.issue(self.folder / "client" / str(id(client)), ["client"])
            context.load_cert_chain(pair / "tls.crt", pair / "tls.key")
        return context


@pytest.fixture
def mounts(tmp_path: Path) -> Mounts:
    return Mounts(tmp_path / "secrets")


def compose(mounts: Mounts, tmp_path: Path, public_port: int) -> Composition:
    settings = make_settings(
        public_url=f"https://{HOST}:{public_port}",
        s3_endpoint=f"https://{HOST}:1",
        scanner_url=f"https://{HOST}:1",
        data_directory=str(tmp_path),
        secrets_directory=str(mounts.folder),
    )
    composed = composition.compose(settings)
    migrate.upgrade(composed.services.database)
    return replace(composed, services=replace(composed.services, mailer=Outbox()))


@asynccontextmanager
async def running(mounts: Mounts, tmp_path: Path) -> AsyncIterator[dict[str, int]]:
    listeners = [replace(one, port=free_port()) for one in serving.LISTENERS]
    ports = {str(one.which): one.port for one in listeners}
    serve = asyncio.create_task(serving.serve(compose(mounts, tmp_path, ports["public"]), listeners))
    try:
        for port in ports.values():
            await _answers(port)
        yield ports
    finally:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(serve, 120)


async def _answers(port: int) -> None:
    async with asyncio.timeout(120):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


async def status_of(context: ssl.SSLContext, url: str) -> int:
    async with httpx.AsyncClient(verify=context, timeout=30) as http:
        return (await http.get(url)).status_code


async def test_each_port_opens_for_its_own_client_only(mounts: Mounts, tmp_path: Path) -> None:
    async with running(mounts, tmp_path) as ports:
        public = f"https://{HOST}:{ports['public']}/api/v1/session"
        internal = f"https://{HOST}:{ports['internal']}/internal/v1/status"
        metrics = f"https://{HOST}:{ports['metrics']}/metrics"
        assert await status_of(mounts.trusting(None), public) == 401
        assert await status_of(mounts.trusting(mounts.operator), internal) == 200
        assert await status_of(mounts.trusting(mounts.monitoring), metrics) == 200
        for stranger in (None, mounts.monitoring, mounts.server):
            with pytest.raises(httpx.TransportError):
                await status_of(mounts.trusting(stranger), internal)
        for stranger in (None, mounts.operator):
            with pytest.raises(httpx.TransportError):
                await status_of(mounts.trusting(stranger), metrics)


class Line:
    """One connection that is kept, and the certificate it was opened under."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        self._reader = reader
        self._writer = writer
        self._port = port
        self.certificate: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)

    async def ask(self) -> int:
        self._writer.write(f"GET /api/v1/session HTTP/1.1\r\nHost: {HOST}:{self._port}\r\n\r\n".encode())
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        await self._reader.readexactly(int(head.partition("content-length:")[2].split()[0]))
        return int(head.split()[1])

    def close(self) -> None:
        self._writer.close()


async def opened(mounts: Mounts, port: int) -> Line:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=mounts.trusting(None), server_hostname=HOST)
    return Line(reader, writer, port)


async def test_a_renewed_certificate_is_served_and_connections_live_on(
    mounts: Mounts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "_HEARTBEAT_SECONDS", 0.05)
    async with running(mounts, tmp_path) as ports:
        before = await opened(mounts, ports["public"])
        assert await before.ask() == 401
        folder = mounts.server.issue(mounts.folder / paths.PUBLIC_TLS, [HOST])
        async with asyncio.timeout(120):
            while (after := await opened(mounts, ports["public"])).certificate == before.certificate:
                after.close()
                await asyncio.sleep(0.05)
        assert (await before.ask(), await after.ask()) == (401, 401)
        (folder / "tls.crt").write_bytes(b"damaged")
        await asyncio.sleep(1)
        still = await opened(mounts, ports["public"])
        assert (still.certificate, await still.ask(), await before.ask()) == (after.certificate, 401, 401)
        for line in (before, after, still):
            line.close()


async def test_status_names_the_parts_that_do_not_answer(mounts: Mounts, tmp_path: Path) -> None:
    async with running(mounts, tmp_path) as ports:
        url = f"https://{HOST}:{ports['internal']}/internal/v1/status"
        async with httpx.AsyncClient(verify=mounts.trusting(mounts.operator), timeout=30) as http:
            status = (await http.get(url)).json()
    assert status["database"]["ok"] is True
    assert status["storage"]["ok"] is False
    assert status["scanner"]["ok"] is False
    assert status["administrator_accepted"] is False
    assert status["key_versions"] == [1]
    assert status["usage"] == {"bytes": 0, "files": 0, "users": 0}


async def test_a_head_that_grows_without_end_is_cut(mounts: Mounts, tmp_path: Path) -> None:
    async with running(mounts, tmp_path) as ports:
        context = mounts.trusting(None)
        reader, writer = await asyncio.open_connection(HOST, ports["public"], ssl=context)
        writer.write(b"GET / HTTP/1.1\r\n")
        assert await _is_cut(reader, writer)


async def _is_cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    try:
        for _ in range(200):
            writer.write(b"X-Padding: " + b"x" * 1000 + b"\r\n")
            await writer.drain()
        return await reader.read() == b""
    except (ConnectionError, ssl.SSLError):
        return True
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("environment", "named"),
    [({}, "KOZUTUMI_"), ({"KOZUTUMI_SECRETS_DIRECTORY": "/nowhere"}, "keyring")],
)
def test_it_refuses_to_start_with_one_clear_line(environment: dict[str, str], named: str) -> None:
    complete = to_environment(make_settings(data_directory=gettempdir())) | environment if environment else {}
    command = [sys.executable, "-m", "kozutumi_app"]
    ended = subprocess.run(command, env=complete, capture_output=True, text=True, check=False, timeout=300)  # noqa: S603
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1
    assert named in ended.stderr
