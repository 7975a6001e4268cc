"""Port 9445: reports over mutual TLS, from whoever has a certificate of the reports' client CA.

Each connection is counted before its TLS begins and is over after one request or a minute: what strangers may hold is
CONNECTIONS times the buffers of one (some 300 KiB).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from kozutumi_contract import labels, tls
from kozutumi_contract.tls import ReloadingContext, TlsError
from kozutumi_operator import renewing

CONNECTIONS: Final = 32
HANDSHAKE: Final = 5.0  # seconds, as all below
HEADER: Final = 10.0
REST: Final = 2.0  # how long what is too much is read away, so that its sender sees the answer
CONNECTION: Final = 60.0
_PAUSE: Final = 1.0
_BUFFER: Final = 16 * 1024
Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
log = structlog.get_logger()
# aiohttp's own words on a request that it cannot read quote it.
_SILENT: Final = logging.getLogger("kozutumi.reports")
_SILENT.disabled = True


class _Server(web.Server):
    """Tells when a connection is over."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(
            answer,
            access_log=None,
            logger=_SILENT,
            keepalive_timeout=HEADER,
            lingering_time=REST,
            read_bufsize=_BUFFER,
            auto_decompress=False,
        )
        self.over: dict[RequestHandler, asyncio.Event] = {}

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        if handler in self.over:
            self.over[handler].set()


@dataclass(frozen=True, slots=True)
class _Port:
    door: socket.socket
    context: ReloadingContext


@contextlib.asynccontextmanager
async def served(answer: Answer, folder: Path, *, port: int = labels.REPORTS_PORT) -> AsyncIterator[None]:
    """Serve while inside. Nothing listens until there is a certificate: most platforms bring no reports."""
    work = asyncio.create_task(_attend(answer, folder, port, _opened(folder, port)))
    try:
        yield
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def _attend(answer: Answer, folder: Path, port: int, opened: _Port | None) -> None:
    while opened is None:
        await asyncio.sleep(renewing.CHECK)
        opened = _opened(folder, port, log.debug)
    with opened.door:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_admit(opened.door, _Server(answer), opened.context.context))
            tasks.create_task(renewing.follow(opened.context, "reports"))


def _opened(folder: Path, port: int, tell: Callable[..., object] = log.info) -> _Port | None:
    try:
        context = tls.server_context(folder, require_client=True)
        door = socket.create_server(("0.0.0.0", port), backlog=CONNECTIONS)  # noqa: S104 - a pod's own address
    except (TlsError, OSError) as error:
        tell("reports_not_served", error=str(error))
        return None
    door.setblocking(False)
    log.info("reports_served")
    return _Port(door, context)


async def _admit(door: socket.socket, server: _Server, context: ssl.SSLContext) -> None:
    places, guests = asyncio.Semaphore(CONNECTIONS), set[asyncio.Task[None]]()

    def leave(guest: asyncio.Task[None]) -> None:
        guests.discard(guest)
        places.release()

    try:
        while True:
            await places.acquire()
            guest = asyncio.create_task(_serve(await _next(door), server, context))
            guests.add(guest)
            guest.add_done_callback(leave)
    finally:
        for guest in guests:
            guest.cancel()
        await asyncio.gather(*guests, return_exceptions=True)


async def _next(door: socket.socket) -> socket.socket:
    while True:
        try:
            return (await asyncio.get_running_loop().sock_accept(door))[0]
        except OSError as error:  # such as no descriptor left: later there may be
            log.warning("report_not_admitted", error=str(error))
            await asyncio.sleep(_PAUSE)


async def _serve(guest: socket.socket, server: _Server, context: ssl.SSLContext) -> None:
    """One connection, from its handshake to its end. One without a certificate that counts ends in the handshake."""
    handler, transport = server(), None
    over = server.over[handler] = asyncio.Event()
    try:
        async with asyncio.timeout(CONNECTION):
            transport, _ = await asyncio.get_running_loop().connect_accepted_socket(
                lambda: handler,
                guest,
                ssl=context,
                ssl_handshake_timeout=HANDSHAKE,
                ssl_shutdown_timeout=HANDSHAKE,
            )
            await over.wait()
    except (OSError, TimeoutError):
        pass
    finally:
        del server.over[handler]
        if transport is not None:
            transport.abort()
