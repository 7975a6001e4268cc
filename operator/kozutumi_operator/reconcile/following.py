"""Asks each running app for its status at an interval. No request goes to the API server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

import aiohttp
import structlog

from kozutumi_operator.errors import TenantUnavailable
from kozutumi_operator.organizations import clocks
from kozutumi_operator.organizations.facts import TenantStatus
from kozutumi_operator.reconcile import audit_watching, resting
from kozutumi_operator.reconcile.memory import Memories, Memory
from kozutumi_operator.tenant.client import Tenant, context

INTERVAL: Final = 10.0
log = structlog.get_logger()


class Following:
    """One task an organization; `changed(name)` is called when what it tells matters, `answered(name)` each time."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        memories: Memories,
        changed: Callable[[str], None],
        random: Callable[[], float],
        *,
        clock_limit: int = 5,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._session = session
        self._memories = memories
        self._changed = changed
        self._random = random
        self._clock_limit = clock_limit
        self._now = now
        self.answered: Callable[[str], None] = lambda _: None
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._tenants: dict[str, tuple[bytes, Tenant]] = {}

    def follow(self, name: str, entries: Mapping[str, bytes]) -> None:
        """Follow this app with this client pair, from now on; a renewed pair is taken up."""
        fingerprint = b"\0".join(value for _, value in sorted(entries.items()))
        known = self._tenants.get(name)
        if known is None or known[0] != fingerprint:
            self._tenants[name] = (fingerprint, Tenant(self._session, name, context(entries)))
        if name not in self._tasks:
            self._tasks[name] = asyncio.create_task(self._poll(name), name=f"follow {name}")

    def tenant(self, name: str) -> Tenant | None:
        known = self._tenants.get(name)
        return known[1] if known else None

    def unfollow(self, name: str) -> None:
        self._tenants.pop(name, None)
        if task := self._tasks.pop(name, None):
            task.cancel()

    async def look(self, name: str) -> bool:
        """Ask once; whether the answer differs from the one before in a way that matters."""
        memory, known = self._memories.of(name), self._tenants.get(name)
        if known is None:
            return False
        before, asked = gist(memory), self._now()
        try:
            status = await known[1].status(audit_watching.last_pulled(memory))
        except TenantUnavailable as error:
            memory.tenant_failure = error
        else:
            memory.tenant, memory.tenant_failure = status, None
            memory.tenant_clock = clocks.offset_of_time(status.clock, asked, self._now())
            self.answered(name)
            await audit_watching.judge(name, memory, status, known[1])
            memory.clock_skewed = clocks.differs(memory.tenant_clock, self._clock_limit)
            resting.rest(memory, self._now())
        return gist(memory) != before

    async def _poll(self, name: str) -> None:
        while True:
            try:
                if await self.look(name):
                    self._changed(name)
            except Exception:
                log.exception("follow_failed", service_code=name)
            await asyncio.sleep(INTERVAL * (0.8 + 0.4 * self._random()))


def gist(memory: Memory) -> tuple[object, ...]:
    """What of an app's status a condition shows. Sizes and ages are left to the hourly write."""
    status: TenantStatus | None = memory.tenant
    if status is None or memory.tenant_failure is not None:
        return (status is None, type(memory.tenant_failure), memory.scanner_rests)
    health = (status.database, status.storage, status.mail, status.scanner)
    return (
        *(each.ok for each in health),
        status.version,
        status.active_key,
        status.key_versions,
        status.key_versions_in_use,
        tuple(status.changes.items()),
        status.administrator_accepted,
        status.signature_version,
        status.self_test,
        status.storage_credential,
        memory.clock_skewed,
        memory.audit.lost if memory.audit is not None else None,
        memory.scanner_rests,
    )
