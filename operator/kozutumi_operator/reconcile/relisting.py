"""Lists again what is kept by watches alone: no event tells of a deletion while none is open, or one broke."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from kozutumi_operator.cluster.client import Cluster
from kozutumi_operator.cluster.kinds import Kind, Object
from kozutumi_operator.errors import OperatorError

# Soon after the start, when what was listed before the watches began may already be wrong; then seldom.
PAUSES: Final = (30.0, 300.0, 6 * 3600.0)
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Kept:
    """Who keeps objects of `kind` by name, and is `told(type, object)` of their events."""

    kind: Kind
    names: Callable[[], Iterable[str]]
    told: Callable[[str | None, Object], None]


class Relisting:
    def __init__(self, cluster: Cluster, kept: Sequence[Kept]) -> None:
        self._cluster = cluster
        self._kept = kept

    async def run(self) -> None:
        for pause in PAUSES:
            await asyncio.sleep(pause)
            await self.look()
        while True:
            await asyncio.sleep(PAUSES[-1])
            await self.look()

    async def look(self) -> None:
        """Tell of each object that is kept and is no more. What cannot be listed now is left to the next time."""
        for each in self._kept:
            known = set(each.names())  # before the listing: what is made meanwhile must not seem gone
            try:
                there = {found["metadata"]["name"] for found in await self._cluster.list(each.kind)} if known else set()
            except OperatorError as error:
                log.warning("relisting", kind=each.kind.name, error=str(error))
                continue
            for name in sorted(known - there):
                log.info("gone_unseen", kind=each.kind.name, name=name)
                each.told("DELETED", {"metadata": {"name": name}})
