"""Lists again what is kept by watches alone, after each of their own listings.

A watch that begins, or begins anew because its place in history is gone (410), tells of what is there and not of what
went meanwhile. At rest none begins, and nothing is listed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from kozutumi_operator.cluster.client import Cluster
from kozutumi_operator.cluster.kinds import Kind, Object
from kozutumi_operator.errors import OperatorError

SETTLING: Final = 30.0  # seconds, in which the watches of the other kinds begin, too
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
        self._listed = asyncio.Event()
        self._listed.set()  # by ourselves, before the watches began

    @property
    def kinds(self) -> list[Kind]:
        return [each.kind for each in self._kept]

    def seen(self, event: str | None, _: Object) -> None:
        """An event of one of `kinds`; None is one of a watch's own listing."""
        if event is None:
            self._listed.set()

    async def run(self) -> None:
        while True:
            await self._listed.wait()
            self._listed.clear()
            await asyncio.sleep(SETTLING)
            await self.look()

    async def look(self) -> None:
        """Tell of each object that is kept and is no more. What cannot be listed now is tried again."""
        for each in self._kept:
            known = set(each.names())  # before the listing: what is made meanwhile must not seem gone
            try:
                there = {found["metadata"]["name"] for found in await self._cluster.list(each.kind)} if known else set()
            except OperatorError as error:
                log.warning("relisting", kind=each.kind.name, error=str(error))
                self._listed.set()
                continue
            for name in sorted(known - there):
                log.info("gone_unseen", kind=each.kind.name, name=name)
                each.told("DELETED", {"metadata": {"name": name}})
