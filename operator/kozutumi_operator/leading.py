"""Becoming the one operator at work, and staying it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

import structlog

from kozutumi_operator.cluster import lease
from kozutumi_operator.cluster.lease import Leadership
from kozutumi_operator.errors import OperatorError, Unavailable
from kozutumi_operator.reconcile.queue import back_off

STANDBY: Final = 2.0  # seconds between two looks at the Lease
# A renewal that hangs must end while the Lease is still ours: another takes it after DURATION.
LIMIT: Final = lease.DURATION - lease.RENEWAL
ATTEMPT: Final = 3.5

log = structlog.get_logger()


class LeaseLostError(RuntimeError):
    """Another operator took over, or the Lease could not be renewed in time: two must not work at once."""


async def lead(leadership: Leadership, now: Callable[[], datetime], alive: Callable[[], None]) -> None:
    """Wait until the Lease is ours. An API server that is away is no reason to end: a standby waits for it, too."""
    while True:
        with contextlib.suppress(OperatorError, TimeoutError):
            async with asyncio.timeout(ATTEMPT):
                if await leadership.hold(now()):
                    log.info("leading", identity=leadership.identity)
                    return
        alive()
        await asyncio.sleep(STANDBY)


async def keep_leading(leadership: Leadership, now: Callable[[], datetime]) -> None:
    """Renew until that fails for good. Errors: LeaseLostError."""
    renewed = now()
    while True:
        await asyncio.sleep(lease.RENEWAL.total_seconds() if now() - renewed < lease.RENEWAL else 1.0)
        try:
            async with asyncio.timeout(ATTEMPT):
                if not await leadership.hold(now()):
                    raise LeaseLostError("another operator holds the Lease")
            renewed = now()
        except (OperatorError, TimeoutError) as error:
            log.warning("lease_not_renewed", error=str(error) or type(error).__name__)
            if now() - renewed >= LIMIT:
                raise LeaseLostError("the Lease could not be renewed in time") from error


async def patiently(what: str, attempt: Callable[[], Awaitable[None]], random: Callable[[], float]) -> None:
    """Make an attempt that needs the API server, again while that is away, ever more seldom."""
    failures = 0
    while True:
        try:
            return await attempt()
        except Unavailable as error:
            failures += 1
            log.warning("waiting", what=what, failures=failures, error=str(error))
            await asyncio.sleep(back_off(failures, random))
