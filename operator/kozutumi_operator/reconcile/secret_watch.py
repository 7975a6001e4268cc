"""Watches the Secrets and ConfigMaps of each organization's namespace, by the rights that its RoleBinding gives.

A cluster-wide watch would need cluster-wide rights to read Secrets. Only metadata is asked for: no key travels.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from kozutumi_contract import labels
from kozutumi_operator.cluster.client import Cluster, WatchExpired
from kozutumi_operator.cluster.kinds import CONFIDENTIAL, Kind
from kozutumi_operator.errors import OperatorError

_PAUSE: Final = 1.0
_LONG_PAUSE: Final = 15.0
log = structlog.get_logger()


class SecretWatches:
    def __init__(self, cluster: Cluster, changed: Callable[[str], None]) -> None:
        self._cluster = cluster
        self._changed = changed
        self._tasks: dict[str, list[asyncio.Task[None]]] = {}

    def start(self, name: str) -> None:
        if name not in self._tasks:
            self._tasks[name] = [
                asyncio.create_task(self._watch(name, kind), name=f"watch {kind.plural} of {name}")
                for kind in CONFIDENTIAL
            ]

    def stop(self, name: str) -> None:
        for task in self._tasks.pop(name, ()):
            task.cancel()

    async def _watch(self, name: str, kind: Kind) -> None:
        position: str | None = None
        while True:
            try:
                if position is None:
                    position = await self._cluster.position(kind, labels.namespace(name))
                position = await self._follow(name, kind, position)
                await asyncio.sleep(_PAUSE)
            except WatchExpired:
                position = None
                self._changed(name)
            except OperatorError as error:
                log.info("secret_watch_broke", service_code=name, kind=kind.name, error=str(error))
                await asyncio.sleep(_LONG_PAUSE)
            except Exception:  # a watch that ended for good would let drift pass unseen
                log.exception("secret_watch_failed", service_code=name, kind=kind.name)
                position = None
                await asyncio.sleep(_LONG_PAUSE)

    async def _follow(self, name: str, kind: Kind, since: str) -> str:
        """One watch request, to its end; the position reached."""
        async for type_, found in self._cluster.watch(kind, labels.namespace(name), since=since):
            since = found["metadata"]["resourceVersion"]
            if type_ != "BOOKMARK" and not (type_ != "DELETED" and self._cluster.wrote(found)):
                self._changed(name)
        return since
