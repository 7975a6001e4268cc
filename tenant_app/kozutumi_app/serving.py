"""Three uvicorn servers in one event loop: public 8443, internal 9443 and metrics 9444 (the last two mTLS)."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog
import uvicorn
from anyio import to_thread

from kozutumi_app import check
from kozutumi_app.application import Port, create_application
from kozutumi_app.background import Background
from kozutumi_app.composition import Composition
from kozutumi_app.use_cases.health import HealthMonitor
from kozutumi_app.web.protocol import BoundedProtocol
from kozutumi_contract import labels, paths, tls
from kozutumi_contract.tls import ReloadingContext, TlsError

_THREADS: Final = 24
_CONCURRENCY: Final = 512
_KEEP_ALIVE_SECONDS: Final = 15
_GRACE_SECONDS: Final = 20
_HEARTBEAT_SECONDS: Final = 2.0
_RELOAD_EVERY_BEATS: Final = 5

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Listener:
    which: Port
    port: int
    folder: str
    require_client: bool


LISTENERS: Final = (
    Listener("public", labels.APP_PORT, paths.PUBLIC_TLS, require_client=False),
    Listener("internal", labels.INTERNAL_PORT, paths.INTERNAL_TLS, require_client=True),
    Listener("metrics", labels.METRICS_PORT, paths.METRICS_TLS, require_client=True),
)


class Server(uvicorn.Server):
    """Leaves the process's signals alone: there are three, and all must stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def server(application: Any, context: ReloadingContext, *, host: str, port: int) -> Server:
    config = uvicorn.Config(
        application,
        host=host,
        port=port,
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=_CONCURRENCY,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        ssl_context_factory=lambda _config, _default: context.context,
    )
    return Server(config)


async def serve(composition: Composition, listeners: Sequence[Listener] = LISTENERS) -> None:
    """Run until SIGTERM or SIGINT; raises TlsError at once when a certificate is missing."""
    services = composition.services
    secrets = Path(services.settings.secrets_directory)
    contexts = {
        one.which: tls.server_context(secrets / one.folder, require_client=one.require_client) for one in listeners
    }
    health = HealthMonitor(services)
    servers = [
        server(create_application(services, one.which, health), contexts[one.which], host="", port=one.port)
        for one in listeners
    ]
    _limit_threads()
    _stop_on_signals(servers)
    background = Background(services, health, _touch_ready, composition.keys.look)
    background.start()
    beating = asyncio.create_task(_beat([*contexts.values(), *composition.contexts]))
    try:
        await asyncio.gather(*(one.serve() for one in servers))
    finally:
        beating.cancel()
        await asyncio.to_thread(background.stop)
        services.database.close()


def _limit_threads() -> None:
    to_thread.current_default_thread_limiter().total_tokens = _THREADS
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS))


def _stop_on_signals(servers: Sequence[Server]) -> None:
    def stop() -> None:
        for one in servers:
            one.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)


async def _beat(contexts: Sequence[ReloadingContext], touch: Callable[[], None] = check.LIVE.touch) -> None:
    beats = 0
    while True:
        touch()
        if beats % _RELOAD_EVERY_BEATS == 0:
            await asyncio.to_thread(_reload, contexts)
        beats += 1
        await asyncio.sleep(_HEARTBEAT_SECONDS)


def _reload(contexts: Sequence[ReloadingContext]) -> None:
    for context in contexts:
        try:
            if context.reload_if_changed():
                log.info("tls.reloaded", folder=str(context.folder or context.ca))
        except TlsError as error:
            log.warning("tls.kept_old", reason=str(error))


def _touch_ready(ready: bool) -> None:  # noqa: FBT001 - a callback with one meaning
    if ready:
        check.READY.touch()
    else:
        check.READY.unlink(missing_ok=True)
