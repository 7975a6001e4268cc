"""tus-js-client and tus-py-client, unchanged, over TLS and a path that is cut five times at random places."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

import people_world as people
from app_fixtures import RunningApp, running_app
from cutting_proxy import CuttingProxy, cutting_proxy
from kozutumi_app.domain.ports import ScannerStatus, Verdict
from kozutumi_app.web.security import SESSION_COOKIE
from scanner_fixtures import free_port, wait_until
from storage_fixtures import running_storage
from upload_world import Sender

TUS_JS: Final = Path(__file__).parent / "tus_js"
TUS_PY: Final = Path(__file__).parent / "tus_py/cuts.py"
CUTS: Final = 5
MIB: Final = 2**20
GIB: Final = 2**30


class ReadingScanner:
    """Reads everything and finds nothing: the digest that the app computes meanwhile is what the test is after."""

    def scan(self, chunks: Iterable[bytes]) -> Verdict:
        for _ in chunks:
            pass
        return Verdict("clean", None, None, "1", datetime.now(UTC))

    def status(self) -> ScannerStatus:
        return ScannerStatus(ok=True, message="", signature_version="1", signature_age_seconds=0, self_test=True)


@dataclass
class CutPath:
    app: RunningApp
    proxy: CuttingProxy
    content: Path
    digest: str


def make_content(path: Path, size: int, seed: int) -> str:
    """A file of `size` bytes, the same for each seed; returns its SHA-256 in hex."""
    source, digest = random.Random(seed), hashlib.sha256()  # noqa: S311 - test content
    with path.open("wb") as file:
        for start in range(0, size, MIB):
            block = source.randbytes(min(MIB, size - start))
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


@pytest.fixture
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CutPath]:
    size: int = request.param
    public = free_port()
    limits = {"quota_storage": 4 * GIB, "segment_memory": 32 * MIB}
    with running_storage() as storage, running_app(storage, ReadingScanner(), public_port=public, sizes=limits) as app:
        cuts = sorted(random.Random(size).sample(range(size // 20, size), CUTS))  # noqa: S311 - where a network breaks
        with cutting_proxy(public, app.port, cuts) as proxy:
            yield CutPath(app, proxy, tmp_path / "content", make_content(tmp_path / "content", size, seed=size))
    (tmp_path / "content").unlink()


def run(path: CutPath, client: str, sender: Sender) -> Any:
    """Run the client's own program; returns what it says."""
    command = [sys.executable, str(TUS_PY)]
    if client != "py":
        node, npm = shutil.which("node"), shutil.which("npm")
        assert node is not None, "install Node.js (make packages)"
        assert npm is not None, "install npm (make packages)"
        if not (TUS_JS / "node_modules").is_dir():
            subprocess.run([npm, "ci", "--ignore-scripts"], cwd=TUS_JS, check=True, capture_output=True)  # noqa: S603 - locked packages
        command = [node, str(TUS_JS / "cuts.mjs")]
    environment = {
        "PATH": os.environ["PATH"],
        "NODE_EXTRA_CA_CERTS": str(path.app.ca),
        "REQUESTS_CA_BUNDLE": str(path.app.ca),
        "ENDPOINT": f"{path.app.url}/files/",
        "COOKIE": f"{SESSION_COOKIE}={path.app.administrator}",
        "CSRF": sender.browser.csrf,
        "TRANSFER": sender.transfer_id,
        "FILE": str(path.content),
        "PARALLEL": "3" if client == "js in three parts" else "1",
    }
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=3000, check=False)  # noqa: S603 - ours
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


async def settled(path: CutPath, transfer_id: str) -> list[tuple[str, int, str]]:
    """State, size and digest of each file once the only one has a verdict. A connection of its own for each question."""
    shown: list[dict[str, Any]] = []
    for _ in range(3000):
        with contextlib.suppress(httpx.TransportError):
            async with path.app.client() as http:
                http.cookies.set(SESSION_COOKIE, path.app.administrator)
                shown = (await http.get(f"/api/v1/transfers/{transfer_id}")).json()["files"]
            if len(shown) == 1 and shown[0]["state"] == "Clean":
                break
        await asyncio.sleep(0.5)
    return [(file["state"], file["size"], file["sha256"]) for file in shown]


async def uploaded(path: CutPath, client: str) -> None:
    size = path.content.stat().st_size
    async with path.app.client() as http:
        http.cookies.set(SESSION_COOKIE, path.app.administrator)
        session = (await http.get("/api/v1/session")).json()
        browser = people.Browser(http, session["csrf"], session["user"])
        sender = Sender(browser, await people.draft(browser), browser)
        started = time.monotonic()
        said = await asyncio.to_thread(run, path, client, sender)
        took = time.monotonic() - started
        assert (await settled(path, sender.transfer_id)) == [("Clean", size, path.digest)]
    async with path.app.client() as http:
        http.cookies.set(SESSION_COOKIE, path.app.administrator)
        head = await http.head(said["url"], headers={"Tus-Resumable": "1.0.0"})
        assert head.headers["Upload-Offset"] == str(size)
    assert path.proxy.made == CUTS
    await asyncio.to_thread(wait_until, lambda: path.app.services.budget.used == 0, lambda: "memory is kept")
    peak = path.app.services.budget.peak
    assert peak <= path.app.services.settings.segment_memory
    print(f"{client}: {size / MIB:.0f} MiB with {path.proxy.made} cuts in {took:.1f} s; peak {peak / MIB:.1f} MiB")


CLIENTS: Final = ("js", "js in three parts", "py")


@pytest.mark.parametrize("path", [20 * MIB], indirect=True, ids=["20 MiB"])
@pytest.mark.parametrize("client", CLIENTS)
async def test_unchanged_client_uploads_over_a_path_that_is_cut(path: CutPath, client: str) -> None:
    await uploaded(path, client)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("path", [GIB], indirect=True, ids=["1 GiB"])
@pytest.mark.parametrize("client", CLIENTS)
async def test_unchanged_client_uploads_a_gibibyte_over_a_path_that_is_cut(path: CutPath, client: str) -> None:
    await uploaded(path, client)
