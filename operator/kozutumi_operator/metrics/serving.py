"""Port 9444: metrics over mutual TLS, for whoever has a certificate of the monitoring's client CA."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from kozutumi_contract import labels, tls
from kozutumi_contract.tls import TlsError
from kozutumi_operator import renewing

log = structlog.get_logger()


def application(registry: CollectorRegistry) -> web.Application:
    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    made = web.Application()
    made.router.add_get("/metrics", metrics)
    return made


@contextlib.asynccontextmanager
async def served(registry: CollectorRegistry, folder: Path, *, port: int = labels.METRICS_PORT) -> AsyncIterator[None]:
    """Serve while inside. Without a certificate nothing is served, and that is logged: the operator works all the same."""
    try:
        context = tls.server_context(folder, require_client=True)
    except TlsError as error:
        log.warning("metrics_not_served", error=str(error))
        yield
        return
    runner = web.AppRunner(application(registry), access_log=None, handle_signals=False)
    await runner.setup()
    await web.TCPSite(runner, "0.0.0.0", port, ssl_context=context.context).start()  # noqa: S104 - a pod's own address
    following = asyncio.create_task(renewing.follow(context, "metrics"), name="metrics certificate")
    try:
        yield
    finally:
        following.cancel()
        await runner.cleanup()
