"""kopf on an API server that falls silent, or ends a watch with an error: the one ends life, the other costs a start."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import kopf
import pytest
import yaml
from aiohttp import web

from kozutumi_operator import alive, handlers
from kozutumi_operator.cluster import lease
from kozutumi_operator.cluster.kinds import LEASE, NAMESPACE, ORGANIZATION, WATCHED, Kind

KINDS = (ORGANIZATION, NAMESPACE, LEASE, *WATCHED)
GROUPS = {kind.api_version for kind in KINDS if "/" in kind.api_version}
EVENT = 0.1
PATIENCE = 60.0


@dataclass
class FakeApi:
    """Lists are empty; the Lease is renewed all the time, until `silent`, or `error` ends the watch of Organizations."""

    silent: asyncio.Event = field(default_factory=asyncio.Event)
    error: dict[str, Any] | None = None
    lists: int = 0
    _versions: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def application(self) -> web.Application:
        made = web.Application()
        made.router.add_get("/{tail:.*}", self.answer)
        return made

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/api":
            return web.json_response({"versions": ["v1"]})
        if request.path == "/apis":
            return web.json_response({"groups": [_group(each) for each in sorted(GROUPS)]})
        for kind in KINDS:
            if request.path == kind.path().rpartition("/")[0]:
                return web.json_response(_discovery(kind.api_version))
            if request.path == kind.path():
                return await self._collection(request, kind)
        return web.json_response({"kind": "Status", "code": 404}, status=404)

    async def _collection(self, request: web.Request, kind: Kind) -> web.StreamResponse:
        if request.query.get("watch") != "true":
            self.lists += kind == ORGANIZATION
            version = str(next(self._versions))
            return web.json_response(
                {"kind": f"{kind.name}List", "metadata": {"resourceVersion": version}, "items": []}
            )
        stream = web.StreamResponse(headers={"Content-Type": "application/json"})
        await stream.prepare(request)
        with contextlib.suppress(ConnectionResetError):
            await self._watch(stream, kind)
        return stream

    async def _watch(self, stream: web.StreamResponse, kind: Kind) -> None:
        while True:
            if kind == ORGANIZATION and self.error is not None:
                event, self.error = {"type": "ERROR", "object": self.error}, None
                await stream.write(json.dumps(event).encode() + b"\n")
                return
            if kind == LEASE and not self.silent.is_set():
                await stream.write(json.dumps({"type": "MODIFIED", "object": self._lease()}).encode() + b"\n")
            await asyncio.sleep(EVENT)

    def _lease(self) -> dict[str, Any]:
        metadata = {"name": lease.NAME, "namespace": "kozutumi-system", "uid": "u"}
        metadata["resourceVersion"] = str(next(self._versions))
        return {"apiVersion": LEASE.api_version, "kind": LEASE.name, "metadata": metadata}


def _group(api_version: str) -> dict[str, Any]:
    group, _, version = api_version.partition("/")
    served = {"groupVersion": api_version, "version": version}
    return {"name": group, "versions": [served], "preferredVersion": served}


def _discovery(api_version: str) -> dict[str, Any]:
    served = [
        {
            "name": kind.plural,
            "singularName": kind.name.lower(),
            "kind": kind.name,
            "namespaced": kind.namespaced,
            "verbs": ["get", "list", "watch", "patch"],
        }
        for kind in KINDS
        if kind.api_version == api_version
    ]
    return {"kind": "APIResourceList", "groupVersion": api_version, "resources": served}


@pytest.fixture
async def api(tmp_path: Path, unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeApi]:
    fake = FakeApi()
    runner = web.AppRunner(fake.application(), handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
    configuration = {
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        "clusters": [{"name": "x", "cluster": {"server": f"http://127.0.0.1:{unused_tcp_port}"}}],
        "users": [{"name": "x", "user": {"token": "t"}}],
    }
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(configuration))
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    yield fake
    await runner.cleanup()


@contextlib.asynccontextmanager
async def watching(beat: Path) -> AsyncIterator[asyncio.Task[None]]:
    registry = handlers.registry(lambda _: None, lambda _: False, lambda: alive.beat(beat))
    running = asyncio.create_task(kopf.operator(registry=registry, settings=handlers.settings(), clusterwide=True))
    try:
        yield running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def until(what: str, check: Callable[[], object]) -> None:
    for _ in range(int(PATIENCE / EVENT)):
        if check():
            return
        await asyncio.sleep(EVENT)
    raise AssertionError(f"{what} did not happen")


async def test_a_watch_that_falls_silent_ends_the_operator_s_life(
    api: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beat = tmp_path / "beat"
    monkeypatch.setenv(alive.VARIABLE, str(beat))
    monkeypatch.setattr(alive, "LIMIT", 10 * EVENT)
    async with watching(beat) as running:
        await until("the first beats", lambda: alive.main() == 0)
        api.silent.set()
        await until("the silence being noticed", lambda: alive.main() == 1)
        assert not running.done()  # a zombie: only the probe can end it
        api.silent.clear()
        await until("life again", lambda: alive.main() == 0)


async def test_a_watch_ended_by_an_error_ends_the_process_and_the_next_begins_anew(
    api: FakeApi, tmp_path: Path
) -> None:
    beat = tmp_path / "beat"
    async with watching(beat) as running:
        await until("the first beat", beat.exists)
        api.error = {"kind": "Status", "code": 500, "message": "etcd is away"}
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(Exception, match="etcd is away"):
                await running
    beat.unlink()
    before = api.lists
    async with watching(beat) as running:
        await until("the first beat", beat.exists)
        assert api.lists > before
        assert not running.done()


async def test_a_watch_that_is_too_old_is_begun_anew_without_a_restart(api: FakeApi, tmp_path: Path) -> None:
    beat = tmp_path / "beat"
    async with watching(beat) as running:
        await until("the first beat", beat.exists)
        before = api.lists
        api.error = {"kind": "Status", "code": 410, "message": "too old"}
        await until("a new list", lambda: api.lists > before)
        assert not running.done()
