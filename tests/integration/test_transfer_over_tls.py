"""The whole way of a file with nothing replaced: TLS, uvicorn, VersityGW, clamd, and clients that break off."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import json
import os
import random
import secrets
import shutil
import ssl
import subprocess
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import people_world as people
import upload_world as world
from app_fixtures import RunningApp, running_app
from builders import code, link_id, outbox
from kozutumi_app.adapters.scanner import ScannerAgent
from kozutumi_app.domain.ports import Mail
from kozutumi_app.use_cases.upload_receiving import SEGMENT_BYTES
from kozutumi_app.web.security import SESSION_COOKIE
from kozutumi_contract import tls
from kozutumi_scanner import eicar
from scanner_fixtures import HOST, RunningScanner, mutual, running_scanner, wait_until
from storage_fixtures import RunningStorage, running_storage
from upload_world import Sender

TUS_JS = Path(__file__).parent / "tus_js"
CONTENT = random.Random(7).randbytes(9 * 2**20 + 12_345)  # noqa: S311 - test content, the same each time
MARKER = CONTENT[5_000_000:5_001_024]


@pytest.fixture(scope="module")
def storage() -> Iterator[RunningStorage]:
    with running_storage() as running:
        yield running


@pytest.fixture(scope="module")
def scanner() -> Iterator[RunningScanner]:
    with running_scanner() as running:
        yield running


@pytest.fixture(scope="module")
def app(storage: RunningStorage, scanner: RunningScanner) -> Iterator[RunningApp]:
    with running_app(storage, ScannerAgent(scanner.url, mutual(scanner.client_folder))) as running:
        yield running


@pytest.fixture
def address() -> str:
    """A recipient of this test's own: mail of the others may still be under way."""
    return f"客-{secrets.token_hex(4)}@outside.test"


@pytest.fixture
async def sender(app: RunningApp, address: str) -> AsyncIterator[Sender]:
    async with app.client() as http:
        http.cookies.set(SESSION_COOKIE, app.administrator)
        session = (await http.get("/api/v1/session")).json()
        browser = people.Browser(http, session["csrf"], session["user"])
        transfer_id = await people.draft(browser, recipients=[{"email": address, "locale": "ja"}])
        yield Sender(browser, transfer_id, browser)


async def until(condition: Callable[[], Awaitable[Any]]) -> None:
    for _ in range(600):
        if await condition():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("not within a minute")


async def settled(sender: Sender) -> str:
    """State of the only file once it has a verdict."""

    async def has_verdict() -> bool:
        return (await sender.shown())["files"][0]["state"] not in {"Uploading", "Scanning"}

    await until(has_verdict)
    return str((await sender.shown())["files"][0]["state"])


def mails_to(app: RunningApp, address: str) -> list[Mail]:
    return [mail for mail in outbox(app.services).mails if mail.to == address]


async def mail_of(app: RunningApp, address: str, part: str) -> Mail:
    """The mail that has `part` in it, once it came."""

    async def came() -> bool:
        return any(part in mail.text for mail in mails_to(app, address))

    await until(came)
    return next(mail for mail in mails_to(app, address) if part in mail.text)


async def prove(app: RunningApp, http: httpx.AsyncClient, address: str) -> str:
    """Return the recipient's link once this browser is proven."""
    link = link_id(await mail_of(app, address, "/r/"))
    assert (await http.post(f"/api/v1/r/{link}/code")).status_code == 202
    got = code(await mail_of(app, address, "10分"))
    assert (await http.post(f"/api/v1/r/{link}/verify", json={"code": got})).status_code == 200
    return link


async def begin_patch(app: RunningApp, sender: Sender, url: str, offset: int, announced: int) -> asyncio.StreamWriter:
    """The head of a PATCH on a connection of its own, which a test can break."""
    context: ssl.SSLContext = tls.client_context(app.ca).context
    _, writer = await asyncio.open_connection(HOST, app.port, ssl=context)
    head = [
        f"PATCH {url.removeprefix(app.url)} HTTP/1.1",
        f"Host: {HOST}:{app.port}",
        f"Cookie: {SESSION_COOKIE}={app.administrator}",
        f"X-CSRF-Token: {sender.browser.csrf}",
        "Tus-Resumable: 1.0.0",
        "Content-Type: application/offset+octet-stream",
        f"Upload-Offset: {offset}",
        f"Content-Length: {announced}",
    ]
    writer.write(("\r\n".join(head) + "\r\n\r\n").encode())
    return writer


async def cut_patch(app: RunningApp, sender: Sender, url: str, offset: int) -> None:
    """Announce everything, send one segment and a bit, and tear the connection down once the segment is durable."""
    writer = await begin_patch(app, sender, url, offset, len(CONTENT) - offset)
    writer.write(CONTENT[offset : offset + SEGMENT_BYTES + 50_000])
    await writer.drain()

    async def is_durable() -> bool:
        return bool((await sender.shown())["files"][0]["offset"] >= offset + SEGMENT_BYTES)

    await until(is_durable)
    await broken(writer)


async def broken(writer: asyncio.StreamWriter) -> None:
    """No farewell, as when a network is lost."""
    writer.transport.abort()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def test_file_arrives_though_upload_and_download_were_cut(
    app: RunningApp, sender: Sender, storage: RunningStorage, address: str
) -> None:
    url = await sender.created(len(CONTENT))
    for cut in (1, 2):
        await cut_patch(app, sender, url, await sender.offset(url))
        assert await sender.offset(url) >= cut * SEGMENT_BYTES
    offset = await sender.offset(url)
    assert offset < len(CONTENT)
    answer = await sender.append(url, offset, CONTENT[offset:])
    assert answer.headers["Upload-Offset"] == str(len(CONTENT))
    await sender.send()
    assert await settled(sender) == "Clean"
    async with app.client() as http:
        link = await prove(app, http, address)
        opened = await world.open_download(http, link, world.file_id(url))
        received = await beginning(http, opened.json()["url"], 4_000_000)
        rest = await http.get(opened.json()["url"], headers={"Range": f"bytes={len(received)}-"})
    assert rest.status_code == 206
    assert hashlib.sha256(received + rest.content).digest() == hashlib.sha256(CONTENT).digest()
    await asyncio.to_thread(wait_until, lambda: app.services.budget.used == 0, lambda: "memory is kept")
    assert not [name for name, data in storage.stored().items() if MARKER[:64] in data or MARKER[-64:] in data]


async def beginning(http: httpx.AsyncClient, url: str, size: int) -> bytes:
    """Break the connection off once more than `size` bytes came."""
    received = b""
    async with http.stream("GET", url) as answer:
        async for piece in answer.aiter_bytes():
            received += piece
            if len(received) > size:
                break
    return received


async def test_newer_request_takes_the_place_of_one_that_hangs(app: RunningApp, sender: Sender) -> None:
    budget = app.services.budget
    await asyncio.to_thread(wait_until, lambda: budget.used == 0, lambda: "others go on")
    url = await sender.created(100_000)
    hanging = await begin_patch(app, sender, url, 0, 100_000)
    hanging.write(CONTENT[:1000])
    await hanging.drain()
    await asyncio.to_thread(wait_until, lambda: budget.used > 0, lambda: "nothing came")
    assert await sender.offset(url) == 1000
    answer = await sender.append(url, 1000, CONTENT[1000:100_000])
    assert answer.headers["Upload-Offset"] == "100000"
    await broken(hanging)


async def test_slow_senders_do_not_starve_another(app: RunningApp, sender: Sender) -> None:
    """More senders hang in the middle of a chunk than the budget has room for chunks."""
    budget = app.services.budget
    slow = []
    try:
        for _ in range(40):
            url = await sender.created(1_000_000)
            slow.append(await begin_patch(app, sender, url, 0, 1_000_000))
            slow[-1].write(CONTENT[:100_000])
            await slow[-1].drain()
        url = await sender.created(2_000_000)
        answer = await sender.append(url, 0, CONTENT[:2_000_000])
        assert answer.headers["Upload-Offset"] == "2000000"
        assert budget.used <= app.services.settings.segment_memory
    finally:
        for writer in slow:
            await broken(writer)


@pytest.mark.parametrize("packed", [False, True])
async def test_eicar_plain_and_zipped_is_never_readable(
    app: RunningApp, sender: Sender, address: str, *, packed: bool
) -> None:
    content = eicar.test_file()
    if packed:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("inside.txt", content)
        content = archive.getvalue()
    await sender.upload(content)
    answer = await sender.browser.post(f"/transfers/{sender.transfer_id}/send")
    assert await settled(sender) == "Infected"
    # Where the scanner was quicker than the sender, it is a draft still.
    assert (await sender.shown())["state"] == {200: "AwaitingFiles", 409: "Draft"}[answer.status_code]
    assert mails_to(app, address) == []


async def test_file_waits_for_clamd_and_is_delivered_when_it_is_back(sender: Sender, scanner: RunningScanner) -> None:
    scanner.kill_clamd()
    scanner.wait_until(lambda status: not status["ok"])
    await sender.upload(CONTENT[:100_000])
    await sender.send()
    await asyncio.sleep(1.5)
    assert (await sender.shown())["files"][0]["state"] == "Scanning"
    scanner.start_clamd()
    assert await settled(sender) == "Clean"


async def test_store_that_dies_during_an_upload_costs_only_what_was_not_acknowledged(
    sender: Sender, storage: RunningStorage
) -> None:
    url = await sender.created(len(CONTENT))
    await sender.append(url, 0, CONTENT[:1_000_000])
    storage.kill()
    answer = await sender.append(url, 1_000_000, CONTENT[1_000_000:])
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
    storage.start()
    assert await sender.offset(url) == 1_000_000
    assert (await sender.append(url, 1_000_000, CONTENT[1_000_000:])).status_code == 204
    assert await settled(sender) == "Clean"


async def test_tus_js_client_uploads_breaks_off_resumes_and_terminates(
    app: RunningApp, sender: Sender, tmp_path: Path
) -> None:
    (tmp_path / "content").write_bytes(CONTENT)
    result = await asyncio.to_thread(run_tus_js, app, sender, tmp_path)
    assert result["broken"] == result["finished"]
    assert 0 < result["resumedAt"] < len(CONTENT)
    assert await settled(sender) == "Clean"
    shown = (await sender.shown())["files"]
    assert [file["sha256"] for file in shown if file["sha256"]] == [hashlib.sha256(CONTENT).hexdigest()]
    assert (await sender.request("HEAD", result["unwanted"])).status_code == 410


def run_tus_js(app: RunningApp, sender: Sender, folder: Path) -> Any:
    node, npm = shutil.which("node"), shutil.which("npm")
    assert node is not None, "install Node.js (make packages)"
    assert npm is not None, "install npm (make packages)"
    if not (TUS_JS / "node_modules").is_dir():
        subprocess.run([npm, "ci", "--ignore-scripts"], cwd=TUS_JS, check=True, capture_output=True)  # noqa: S603 - locked packages
    environment = {
        "PATH": os.environ["PATH"],
        "NODE_EXTRA_CA_CERTS": str(app.ca),
        "ENDPOINT": f"{app.url}/files/",
        "COOKIE": f"{SESSION_COOKIE}={app.administrator}",
        "CSRF": sender.browser.csrf,
        "TRANSFER": sender.transfer_id,
        "FILE": str(folder / "content"),
        "STORE": str(folder / "uploads.json"),
        "BREAK_AT": str(3 * 2**20),
    }
    command = [node, str(TUS_JS / "upload.mjs")]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603 - ours
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)
