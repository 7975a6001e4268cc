"""Removes the archive buckets of departed organizations once nothing in them is locked. Sleeps in between."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog

from kozutumi_contract import labels
from kozutumi_operator.cluster.client import Cluster
from kozutumi_operator.cluster.kinds import CONFIG_MAP
from kozutumi_operator.errors import OperatorError
from kozutumi_operator.organizations import archive_retention
from kozutumi_operator.organizations.archive_retention import Departed
from kozutumi_operator.reconcile.effects import Effect, Effects
from kozutumi_operator.reconcile.storage import Storage

RECORDS: Final = f"{labels.COMPONENT}=disposal"
RETRY: Final = timedelta(minutes=10)
_LONGEST: Final = timedelta(days=1)  # a timer follows no clock that is set meanwhile
log = structlog.get_logger()


class Archives:
    """The records say what is kept and until when, so a restart finds it. They are read at start and when woken."""

    def __init__(self, cluster: Cluster, effects: Effects, storage: Storage, now: Callable[[], datetime]) -> None:
        self._cluster = cluster
        self._effects = effects
        self._storage = storage
        self._now = now
        self._woken = asyncio.Event()
        self._kept: list[Departed] | None = None

    def consider(self) -> None:
        """A record was written: read them again."""
        self._kept = None
        self._woken.set()

    async def run(self) -> None:
        while True:
            pause = await self.sweep()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), None if pause is None else pause.total_seconds())
            self._woken.clear()

    async def sweep(self) -> timedelta | None:
        """Do what is due. How long to sleep; None: until woken."""
        try:
            while due := archive_retention.due(kept := await self._read(), self._now()):
                await self._expire(due[0])
                self._kept = None  # its date was moved, or it is gone
        except OperatorError as error:
            log.warning("archive_not_removed", error=str(error))
            return RETRY
        pause = archive_retention.pause(kept, self._now())
        return None if pause is None else min(pause, _LONGEST)

    async def _read(self) -> list[Departed]:
        if self._kept is None:
            records = await self._cluster.list(CONFIG_MAP, labels.SYSTEM_NAMESPACE, label_selector=RECORDS)
            self._kept = archive_retention.departed(records)
        return self._kept

    async def _expire(self, each: Departed) -> None:
        kept = await self._storage.expire_archive(each.service_code, each.uid, each.bucket)
        noted = archive_retention.notes(kept, self._now())
        patch = {"metadata": {"annotations": noted}}
        patching = self._cluster.merge(CONFIG_MAP, each.record, patch, labels.SYSTEM_NAMESPACE)
        await self._effects.perform(Effect.MOVE_ARCHIVE_DATE, patching)
        log.info("archive", service_code=each.service_code, bucket=each.bucket, **noted)
