"""Port 9445 as it is served, with a relay before it and apps behind it, all over real TLS on loopback."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from certificates import Authority
from fake_cluster import FakeCluster
from kozutumi_contract import labels, tls
from kozutumi_operator.cluster.kinds import ORGANIZATION, SECRET
from kozutumi_operator.manifests import names
from kozutumi_operator.reports import serving
from kozutumi_operator.reports.answering import Desk
from kozutumi_operator.reports.delivering import Delivering
from kozutumi_operator.reports.outcomes import Outcome

HOST = "kozutumi-operator-reports.kozutumi-system.svc"
MAIL = "abcdefghijklmnopqrstuvwxy2"
CODES = ("acme", "beta", "gamma", "delta", "omega")
REPORT = b"To: postmaster@mail.example\r\n\r\nwhat came back\r\n"
LOOPBACK = "127.0.0.1"


def address(code: str) -> str:
    return f"bounces+{code}{MAIL}@mail.example"


class Loopback(AbstractResolver):
    """Every app is one process here."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[ResolveResult]:
        del port, family
        kind = {"family": socket.AF_INET, "proto": 0, "flags": 0}
        return [ResolveResult(hostname=host, host=LOOPBACK, port=self._port, **kind)]  # type: ignore[typeddict-item]

    async def close(self) -> None:
        return


class Apps:
    """The internal port of every organization. `states` answers by service code; while `gate` is closed nobody does."""

    def __init__(self) -> None:
        self.states: dict[str, str | None] = dict.fromkeys(CODES, "bounced")
        self.taken: list[tuple[str, bytes]] = []
        self.inside = 0
        self._entered = asyncio.Condition()
        self.gate = asyncio.Event()
        self.gate.set()

    async def take(self, request: web.Request) -> web.Response:
        code = request.host.split(".")[1].removeprefix(labels.NAMESPACE_PREFIX)
        assert request.content_type == "message/rfc822"
        async with self._entered:
            self.inside += 1
            self._entered.notify_all()
        await self.gate.wait()
        self.taken.append((code, await request.read()))
        return web.json_response({"state": self.states[code]})

    async def holds(self, count: int) -> None:
        """Wait until so many reports have come in all."""
        async with self._entered:
            await self._entered.wait_for(lambda: self.inside >= count)

    @contextlib.asynccontextmanager
    async def served(self, folder: Path, port: int) -> AsyncIterator[None]:
        application = web.Application()
        application.router.add_post("/internal/v1/bounces", self.take)
        runner = web.AppRunner(application)
        await runner.setup()
        context = tls.server_context(folder, require_client=True).context
        await web.TCPSite(runner, LOOPBACK, port, ssl_context=context).start()
        try:
            yield
        finally:
            self.gate.set()
            await runner.cleanup()


class Bench:
    def __init__(self, folder: Path, port: int, app_port: int) -> None:
        self.folder, self.port, self.app_port = folder, port, app_port
        self.apps, self.cluster, self.outcomes = Apps(), FakeCluster(), Counter[Outcome]()
        self.servers, self.relays = Authority("servers"), Authority("relays")
        self.internal, self.operators = Authority("internal"), Authority("operators")
        self.server_folder = self.servers.issue(folder / "port", [HOST], peer=self.relays)
        hosts = [names.service_host(names.APP, code) for code in CODES]
        self.app_folder = self.internal.issue(folder / "app", hosts, peer=self.operators)
        pair = self.operators.issue(folder / "operator", ["operator"], peer=self.internal)
        self.pair = {path.name: base64.b64encode(path.read_bytes()).decode() for path in pair.iterdir()}
        for code in CODES:
            self.cluster.objects[ORGANIZATION.name, "", code] = {"metadata": {"name": code}}
            self.cluster.objects[SECRET.name, labels.namespace(code), names.OPERATOR_CLIENT_TLS] = {"data": self.pair}

    @contextlib.asynccontextmanager
    async def served(self, *, reading: float = 120.0, deliver: Any = None) -> AsyncIterator[None]:
        connector = aiohttp.TCPConnector(resolver=Loopback(self.app_port), force_close=True)
        async with aiohttp.ClientSession(connector=connector) as session:
            delivering = deliver or Delivering(self.cluster.as_cluster(), session).deliver
            desk = Desk(delivering, lambda outcome: self.outcomes.update([outcome]), reading=reading)
            async with serving.served(desk.answer, self.server_folder, port=self.port):
                yield

    def trust(self, client: Authority | None) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=self.servers.pem.decode())
        if client is not None:
            pair = client.issue(self.folder / f"client-{id(client)}", ["relay"])
            context.load_cert_chain(pair / "tls.crt", pair / "tls.key")
        return context

    async def bring(
        self,
        to: str,
        body: Any = REPORT,
        *,
        method: str = "POST",
        path: str = "/reports",
        kind: str = "message/rfc822",
        client: Authority | None = None,
        nameless: bool = False,
    ) -> tuple[int, dict[str, Any], str | None]:
        """Status, document and Retry-After."""
        context = self.trust(None if nameless else client or self.relays)
        headers = {"Content-Type": kind} | ({"X-Original-To": to} if to else {})
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session,
            session.request(
                method,
                f"https://{LOOPBACK}:{self.port}{path}",
                data=body,
                headers=headers,
                server_hostname=HOST,
            ) as response,
        ):
            return response.status, await response.json(content_type=None), response.headers.get("Retry-After")

    async def connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(
            LOOPBACK, self.port, ssl=self.trust(self.relays), server_hostname=HOST, ssl_shutdown_timeout=1
        )
