"""Many uploads at once, half of them slow: all finish within one budget of memory, and the fast ones do not wait for the slow."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest

import people_world as people
from app_fixtures import RunningApp, running_app
from kozutumi_app.web.security import SESSION_COOKIE
from kozutumi_contract import tls
from storage_fixtures import running_storage
from upload_world import Sender

MIB = 2**20
RATE = 20_000  # bytes a second of a slow sender
TICK = 0.1  # seconds


@dataclass(frozen=True)
class Load:
    """`each`: how many are fast, and how many slow; sizes and the budget in bytes."""

    each: int
    fast: int
    slow: int
    budget: int


@pytest.fixture
def app(request: pytest.FixtureRequest) -> Iterator[RunningApp]:
    load: Load = request.getfixturevalue("load")
    sizes = {"segment_memory": load.budget}
    with running_storage() as storage, running_app(storage, sizes=sizes) as running:
        yield running


async def trickle(size: int, measured: asyncio.Event) -> AsyncIterator[bytes]:
    """At RATE; the last byte waits until the fast ones have been measured, so that they never are without the slow."""
    piece = int(RATE * TICK)
    for start in range(0, size - 1, piece):
        yield bytes(min(piece, size - 1 - start))
        await asyncio.sleep(TICK)
    await measured.wait()
    yield b"."


async def upload(sender: Sender, size: int, measured: asyncio.Event | None = None) -> None:
    url = await sender.created(size)
    answer = await sender.append(url, 0, trickle(size, measured) if measured else bytes(size))
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(size)), answer.text


async def fast_ones(sender: Sender, load: Load) -> float:
    started = time.monotonic()
    await asyncio.gather(*(upload(sender, load.fast) for _ in range(load.each)))
    return time.monotonic() - started


@asynccontextmanager
async def session(app: RunningApp, load: Load) -> AsyncIterator[Sender]:
    context = tls.client_context(app.ca).context
    many = httpx.Limits(max_connections=2 * load.each + 8)
    async with httpx.AsyncClient(base_url=app.url, verify=context, timeout=600, limits=many) as http:
        http.cookies.set(SESSION_COOKIE, app.administrator)
        session = (await http.get("/api/v1/session")).json()
        browser = people.Browser(http, session["csrf"], session["user"])
        yield Sender(browser, await people.draft(browser), browser)


async def beside_slow_ones(sender: Sender, slow_sender: Sender, app: RunningApp, load: Load) -> float:
    """Seconds that the fast ones of `sender` take while as many slow ones send to `app`."""
    measured = asyncio.Event()
    slow = [asyncio.create_task(upload(slow_sender, load.slow, measured)) for _ in range(load.each)]
    while app.services.metrics.running()[0] < load.each:  # noqa: ASYNC110 - the app has no event for it
        await asyncio.sleep(TICK)
    taken = await fast_ones(sender, load)
    measured.set()
    await asyncio.gather(*slow)
    return taken


async def run(app: RunningApp, load: Load, other: RunningApp | None = None) -> None:
    """With `other` the same slow senders go there first: what they cost this process without sharing anything."""
    async with session(app, load) as sender:
        await upload(sender, load.fast)  # connections, threads and caches are warm
        alone = await fast_ones(sender, load)
        apart = 0.0
        if other is not None:
            async with session(other, load) as elsewhere:
                apart = await beside_slow_ones(sender, elsewhere, other, load)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        together = await beside_slow_ones(sender, sender, app, load)
    budget, grown = app.services.budget, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
    assert budget.used == 0
    assert budget.peak <= load.budget
    print(
        f"{load.each} fast of {load.fast / MIB:.1f} MiB and {load.each} slow at {RATE / 1000:.0f} kB/s at once: budget "
        f"{load.budget / MIB:.0f} MiB, peak {budget.peak / MIB:.1f} MiB (process +{grown / 1024:.0f} MiB); the fast ones "
        f"took {alone:.1f} s alone, {together:.1f} s beside the slow: ratio {together / alone:.2f}"
    )
    if other is not None:
        print(f"while the slow sent to another app of this process: {apart:.1f} s, ratio {together / apart:.2f}")


@pytest.mark.parametrize("load", [Load(each=12, fast=MIB // 2, slow=60_000, budget=4 * MIB)], ids=["24"])
async def test_slow_senders_slow_nobody_down(app: RunningApp, load: Load) -> None:
    await run(app, load)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("load", [Load(each=100, fast=2 * MIB, slow=1_000_000, budget=32 * MIB)], ids=["200"])
async def test_two_hundred_uploads_half_of_them_slow(app: RunningApp, load: Load) -> None:
    with running_storage() as storage, running_app(storage, sizes={"segment_memory": load.budget}) as other:
        await run(app, load, other)
