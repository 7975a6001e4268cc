"""Buckets and IAM cannot be watched, so they are looked at again at an interval. No request goes to the API server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import NoReturn

import structlog

from kozutumi_operator.errors import OperatorError
from kozutumi_operator.organizations import clocks
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.organizations.storage_credential import StorageRecord
from kozutumi_operator.platform import PlatformSettings
from kozutumi_operator.reconcile.effects import Effect, Effects
from kozutumi_operator.reconcile.memory import Memories
from kozutumi_operator.reconcile.storage import Storage

log = structlog.get_logger()


class WouldActError(Exception):
    """Something is not as it should be."""


class Looking(Effects):
    """Refuses the first side effect, so that `ensure` becomes a mere comparison."""

    async def perform(self, effect: Effect, doing: Awaitable[object]) -> NoReturn:
        if asyncio.iscoroutine(doing):
            doing.close()
        raise WouldActError(effect.value)


class StorageChecks:
    """`changed(name)` has an organization looked at again."""

    def __init__(
        self,
        storage: Storage,
        platform: PlatformSettings,
        memories: Memories,
        changed: Callable[[str], None],
        *,
        now: Callable[[], datetime],
        random: Callable[[], float],
    ) -> None:
        self._storage = storage.with_effects(Looking())
        self._platform = platform
        self._memories = memories
        self._changed = changed
        self._now = now
        self._random = random
        self._known: dict[str, tuple[Organization, StorageRecord]] = {}

    def keep(self, organization: Organization, record: StorageRecord) -> None:
        """Check against these from now on."""
        self._known[organization.name] = (organization, record)

    def drop(self, name: str) -> None:
        self._known.pop(name, None)

    async def run(self) -> None:
        """One after another, spread over the interval."""
        interval = self._platform.storage_interval
        while True:
            names = sorted(self._known)
            for name in names:
                await asyncio.sleep(interval / len(names) * (0.8 + 0.4 * self._random()))
                await self.check(name)
            if not names:
                await asyncio.sleep(min(interval, 30))

    async def check(self, name: str) -> None:
        """Have an organization looked at if its storage is not as it should be, cannot be seen, or its clock is off."""
        known = self._known.get(name)
        if known is None:
            return
        memory = self._memories.of(name)
        try:
            await self._storage.ensure(*known, now=self._now())
        except (WouldActError, OperatorError) as error:
            log.info("storage_drift", service_code=name, what=str(error))
            memory.storage_checked = None
            self._changed(name)
            return
        skewed = clocks.differs(self._storage.clock_offset(), self._platform.clock_limit)
        if skewed != memory.store_skewed:
            memory.store_skewed = skewed
            self._changed(name)
