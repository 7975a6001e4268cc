"""Runs the operator until it is told to stop, or loses its Lease."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, Final

import aiohttp
import kopf

from kozutumi_operator import alive, handlers, leading
from kozutumi_operator.cluster import discovery, lease
from kozutumi_operator.cluster.client import Cluster
from kozutumi_operator.cluster.connection import Connection, connect
from kozutumi_operator.cluster.kinds import ORGANIZATION, ORGANIZATION_PLAN
from kozutumi_operator.cluster.lease import Leadership
from kozutumi_operator.configuration import Configuration
from kozutumi_operator.errors import OperatorError
from kozutumi_operator.guard import refuse_unguarded
from kozutumi_operator.metrics import serving
from kozutumi_operator.metrics.counting import Metrics
from kozutumi_operator.reports import serving as reports
from kozutumi_operator.reports.answering import Desk
from kozutumi_operator.reports.delivering import Delivering
from kozutumi_operator.wiring import jitter, wire

WORKERS: Final = 8


def now() -> datetime:
    return datetime.now(UTC)


async def run(configuration: Configuration) -> None:
    """Errors: UnguardedError, OperatorError, ConfigurationError, LeaseLostError."""
    connection, metrics = await connect(configuration.kubeconfig), Metrics()
    async with sessions(connection, metrics) as (api, tenants):
        cluster = Cluster(api, connection.server, connection.authorization)
        beat = functools.partial(alive.beat, configuration.heartbeat)
        beat()
        async with serving.served(metrics.registry, configuration.metrics_tls):
            await leading.patiently("guards", lambda: refuse_unguarded(cluster, configuration.platform), jitter)
            desk = Desk(Delivering(cluster, tenants).deliver, metrics.reported)
            async with reports.served(desk.answer, configuration.reports_tls):
                await lead(configuration, cluster, tenants, metrics, beat)


async def lead(
    configuration: Configuration,
    cluster: Cluster,
    tenants: aiohttp.ClientSession,
    metrics: Metrics,
    beat: Callable[[], None],
) -> None:
    """Wait for the Lease, then work."""
    leadership = Leadership(cluster, configuration.identity, lease.name_of(configuration.shard.name))
    await leading.lead(leadership, now, beat)
    metrics.leader.set(1)
    try:
        await serve(configuration, cluster, tenants, leadership, metrics)
    finally:
        with contextlib.suppress(OperatorError):
            await leadership.release(now())


@contextlib.asynccontextmanager
async def sessions(
    connection: Connection, metrics: Metrics
) -> AsyncIterator[tuple[aiohttp.ClientSession, aiohttp.ClientSession]]:
    """One for the API server, one for the apps, each of which brings its own TLS context."""
    # ssl=False is not among them: both verify, the second by the context given with each request.
    connector = aiohttp.TCPConnector(ssl=connection.context, limit=0)
    api = aiohttp.ClientSession(connector=connector, trace_configs=[metrics.trace()])
    tenants = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64, force_close=True))
    async with api, tenants:
        yield api, tenants


async def serve(
    configuration: Configuration,
    cluster: Cluster,
    tenants: aiohttp.ClientSession,
    leadership: Leadership,
    metrics: Metrics,
) -> None:
    """Until kopf ends (a signal, or a watch it cannot go on with) or the Lease is lost."""
    wired = wire(configuration, cluster, tenants, metrics, now)
    await discovery.learn(cluster)
    await wired.fleet.load()
    await wired.resolving.load(cluster)
    registry = handlers.registry(
        wired.add, cluster.wrote, lambda: alive.beat(configuration.heartbeat), cluster.kinds, wired.tap
    )
    handlers.listen(registry, ORGANIZATION, wired.resolving.organization_seen)
    handlers.listen(registry, ORGANIZATION_PLAN, wired.planning.seen)
    await wired.people.listen(registry)
    for kind in wired.relisting.kinds:
        handlers.listen(registry, kind, wired.relisting.seen)
    kopf_settings = handlers.settings(configuration.shard)
    work: dict[str, Coroutine[Any, Any, None]] = {
        "kopf": kopf.operator(registry=registry, settings=kopf_settings, clusterwide=True),
        "lease": leading.keep_leading(leadership, now),
        **wired.background(),
        **{f"worker {number}": wired.queue.work() for number in range(WORKERS)},
    }
    tasks = [asyncio.create_task(each, name=name) for name, each in work.items()]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
