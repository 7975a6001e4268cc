"""Downloads over the wire to readers that are slow, or do not read at all: bounded memory, bounded time, and a recall that reaches them."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import resource
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import sqlalchemy as sa

import browser_world
import people_world as people
import upload_world as world
from browser_world import Loopback
from builders import PASSWORD, invitation_token, outbox
from kozutumi_app.adapters.database.schema import recipients
from kozutumi_app.domain.grants import Capacity, Reader
from kozutumi_app.use_cases import download, invitations
from kozutumi_app.use_cases.upload_receiving import SEGMENT_BYTES
from kozutumi_app.web import protocol
from kozutumi_app.web.security import SESSION_COOKIE
from upload_world import Sender

CONTENT = hashlib.shake_256(b"content").digest(4 * SEGMENT_BYTES)
READERS = 8
AT_ONCE = 3  # requests of one reader: what their cap has room for
_SMALL = 32 * 1024  # bytes that the kernel holds for a reader


@pytest.fixture
def app(tmp_path: Path) -> Callable[[], contextlib.AbstractContextManager[Loopback]]:
    return lambda: browser_world.loopback(tmp_path)


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@contextlib.asynccontextmanager
async def delivered(running: Loopback) -> AsyncIterator[tuple[Sender, str, list[Reader]]]:
    """A file that was delivered to several, its sender, and who may read it."""
    port = urlsplit(running.url).port
    transport = httpx.AsyncHTTPTransport(verify=trusting())
    async with httpx.AsyncClient(base_url=f"https://127.0.0.1:{port}", transport=transport, timeout=60) as http:
        http.headers["Host"] = str(urlsplit(running.url).netloc)
        http.cookies.set(SESSION_COOKIE, await administrator(running))
        session = (await http.get("/api/v1/session")).json()
        browser = people.Browser(http, session["csrf"], session["user"])
        to = [{"email": f"reader-{number}@outside.test", "locale": "ja"} for number in range(READERS)]
        sender = Sender(browser, await people.draft(browser, recipients=to), browser)
        url = urlsplit(await sender.created(len(CONTENT))).path
        assert (await sender.append(url, 0, CONTENT)).status_code == 204
        await sender.send()
        await until(lambda: state(sender))
        with running.services.database.read() as tx:
            ids = tx.execute(sa.select(recipients.c.id)).scalars().all()
        yield sender, world.file_id(url), [Reader(Capacity.RECIPIENT, recipient_id) for recipient_id in ids]


async def administrator(running: Loopback) -> str:
    """A session's cookie. The invitation is mailed by a thread of the app."""
    services, email = running.services, running.invite_administrator()
    await until(lambda: running.mails(email))
    token = invitation_token(outbox(services).last_to(email))
    return await asyncio.to_thread(
        invitations.accept, services, token, name="管理 太郎", password=PASSWORD, client="test"
    )


async def state(sender: Sender) -> bool:
    return bool((await sender.shown())["state"] == "Delivered")


async def until(condition: Callable[[], object]) -> None:
    for _ in range(600):
        found = condition()
        if await found if asyncio.iscoroutine(found) else found:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("not within a minute")


async def begin(running: Loopback, reader: Reader, file_id: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Ask for the whole file on a connection of one's own, whose answer nobody reads yet."""
    token = await asyncio.to_thread(download.open_file, running.services, reader, file_id)
    return await asked(running, file_id, token)


async def asked(running: Loopback, file_id: str, token: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    port = urlsplit(running.url).port
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL)
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", port))
    received, writer = await asyncio.open_connection(
        sock=connection, ssl=trusting(), server_hostname="127.0.0.1", limit=_SMALL
    )
    head = [
        f"GET /downloads/{file_id} HTTP/1.1",
        f"Host: {urlsplit(running.url).netloc}",
        f"Cookie: __Host-download-{file_id[:8]}={token}",
    ]
    writer.write(("\r\n".join(head) + "\r\n\r\n").encode())
    await writer.drain()
    return received, writer


def running_downloads(running: Loopback) -> int:
    return running.services.metrics.running()[1]


def resident() -> int:
    """Bytes of this process in memory now (proc(5))."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


async def test_readers_that_do_not_read_hold_little_memory(
    app: Callable[[], contextlib.AbstractContextManager[Loopback]],
) -> None:
    with app() as running:
        async with delivered(running) as (_, file_id, readers):
            tokens = [
                await asyncio.to_thread(download.open_file, running.services, reader, file_id) for reader in readers
            ]
            before = resident()
            held = [await asked(running, file_id, token) for token in tokens for _ in range(AT_ONCE)]
            try:
                await until(lambda: running_downloads(running) == len(held))
                await asyncio.sleep(3)  # whatever they would still take
                grown = resident() - before
                print(f"{len(held)} readers of {len(CONTENT):,} bytes hold {grown / len(held) / 1024:,.0f} KiB each")
                assert grown < len(held) * 3_000_000  # both ends of each connection are in this process
            finally:
                for _, writer in held:
                    writer.transport.abort()
            await until(lambda: running_downloads(running) == 0)


async def test_a_reader_that_takes_nothing_is_cut_off_and_frees_their_place(
    app: Callable[[], contextlib.AbstractContextManager[Loopback]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "WRITE_SECONDS", 1.0)
    with app() as running:
        async with delivered(running) as (_, file_id, readers):
            received, writer = await begin(running, readers[0], file_id)
            await until(lambda: running_downloads(running) == 1)
            await until(lambda: running_downloads(running) == 0)
            with contextlib.suppress(OSError, ssl.SSLError):
                while await received.read(2**16):
                    pass
            writer.transport.abort()


async def test_recall_reaches_a_download_under_way_within_a_segment(
    app: Callable[[], contextlib.AbstractContextManager[Loopback]],
) -> None:
    with app() as running:
        async with delivered(running) as (sender, file_id, readers):
            received, writer = await begin(running, readers[0], file_id)
            head = await received.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            content = await received.readexactly(100_000)
            recalled = await sender.browser.post(f"/transfers/{sender.transfer_id}/recall")
            assert recalled.status_code == 200, recalled.text
            extents = {receipt["recipient_id"]: receipt["extent"] for receipt in recalled.json()["recipients"]}
            assert extents == {reader.id: "part" if reader is readers[0] else "none" for reader in readers}
            with contextlib.suppress(OSError, ssl.SSLError):
                while piece := await received.read(2**16):
                    content += piece
            assert len(content) <= SEGMENT_BYTES
            assert CONTENT.startswith(content)
            writer.transport.abort()
            await until(lambda: running_downloads(running) == 0)
            print(f"recalled after 100,000 of {len(CONTENT):,} bytes; {len(content):,} left in all")
