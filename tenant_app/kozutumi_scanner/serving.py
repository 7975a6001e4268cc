"""Several TLS servers in one event loop, with live certificate renewal and one clean way to stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import structlog
import uvicorn
from starlette.types import ASGIApp

from kozutumi_contract.tls import ReloadingContext, TlsError
from kozutumi_scanner import heartbeat

_RELOAD_SECONDS: Final = 10
_log = structlog.get_logger()


class Server(uvicorn.Server):
    """Leaves the process's signals alone; `run` below handles them for all servers at once."""

    def __init__(self, application: ASGIApp, tls: ReloadingContext, *, port: int, host: str, connections: int) -> None:
        self.tls = tls
        super().__init__(
            uvicorn.Config(
                application,
                host=host,
                port=port,
                loop="none",
                http="httptools",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=connections,
                timeout_keep_alive=15,
                timeout_graceful_shutdown=20,
                ssl_context_factory=lambda _config, _default: tls.context,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def run(servers: Sequence[Server], background: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Serve until SIGTERM or SIGINT. The end of a background task for any other reason ends the process with its error."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        for server in servers:
            server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    serving = [asyncio.create_task(server.serve()) for server in servers]
    helping = [asyncio.create_task(coroutine) for coroutine in (*background, _renew(servers))]
    await asyncio.wait([*serving, *helping], return_when=asyncio.FIRST_COMPLETED)
    stop()
    for task in helping:
        if not task.done():
            task.cancel()
    results = await asyncio.gather(*serving, *helping, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
            raise result


async def stay_alive(folder: Path) -> None:
    """Beat for as long as the event loop turns; a long load of signatures in a thread is no reason to be killed."""
    while True:
        heartbeat.beat(folder, "live")
        await asyncio.sleep(heartbeat.MAXIMUM_AGE / 6)


async def _renew(servers: Sequence[Server]) -> None:
    while True:
        await asyncio.sleep(_RELOAD_SECONDS)
        for server in servers:
            try:
                if server.tls.reload_if_changed():
                    _log.info("certificate_renewed", port=server.config.port)
            except TlsError as error:
                _log.error("certificate_not_renewed", port=server.config.port, reason=str(error))
