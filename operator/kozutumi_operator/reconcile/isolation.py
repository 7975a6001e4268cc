"""When an organization's network is walked, and what is remembered of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from kozutumi_operator.cluster.kinds import Object
from kozutumi_operator.errors import OperatorError
from kozutumi_operator.organizations.facts import Isolation
from kozutumi_operator.organizations.observed import Observed
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.reconcile import probing
from kozutumi_operator.reconcile.memory import Memories
from kozutumi_operator.reconcile.probing import Probing

_WITHOUT_SCANNER = ":without scanner"
log = structlog.get_logger()


class Isolating:
    """Walks run beside the work queue: they take seconds, and a repair must not wait for one."""

    def __init__(
        self,
        walks: Probing,
        memories: Memories,
        changed: Callable[[str], None],
        *,
        now: Callable[[], datetime],
        random: Callable[[], float],
    ) -> None:
        self._walks = walks
        self._memories = memories
        self._changed = changed
        self._now = now
        self._random = random
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def consider(self, body: Object, organization: Organization, observed: Observed, *, scanner: bool = True) -> None:
        """Start a walk if one is due and none runs.

        While the scanner sleeps a whole walk's result stands, as long as nothing changed that it depends on; a walk
        that falls due then is a part of one, and the whole is made up for when the scanner is awake.
        """
        memory = self._memories.of(organization.name)
        if memory.isolation is None:
            memory.isolation = recorded(body)
        whole = probing.fingerprint(observed)
        current = whole if scanner or memory.isolation_for == whole else whole + _WITHOUT_SCANNER
        running = self._tasks.get(organization.name)
        if (running is not None and not running.done()) or not probing.due(
            memory.isolation_for, current, memory.isolation_due, self._now()
        ):
            return
        memory.isolation_due = self._now() + timedelta(seconds=probing.LONGEST)
        self._tasks[organization.name] = asyncio.create_task(
            self._walk(organization.name, whole, scanner=scanner), name=f"walk {organization.name}"
        )

    async def finished(self, name: str) -> None:
        """Wait for a walk that runs, if one does."""
        if task := self._tasks.get(name):
            await asyncio.wait([task])

    def stop(self, name: str) -> None:
        """Call a walk off; it takes its pods away itself."""
        if task := self._tasks.pop(name, None):
            task.cancel()

    async def _walk(self, name: str, current: str, *, scanner: bool) -> None:
        memory = self._memories.of(name)
        wait = probing.RETRY
        try:
            memory.isolation = await self._walks.walk(name, scanner=scanner)
            memory.isolation_failure = None
            log.info("probed", service_code=name, allowed=memory.isolation.allowed, denied=memory.isolation.denied)
            if not memory.isolation.open_cells and not memory.isolation.blocked_cells:
                wait = probing.INTERVAL * (0.9 + 0.2 * self._random())
        except OperatorError as error:
            memory.isolation_failure = error
            log.warning("probe_failed", service_code=name, error=str(error))
        finally:
            memory.isolation_for = current if scanner else current + _WITHOUT_SCANNER
            memory.isolation_due = self._now() + timedelta(seconds=wait)
        self._changed(name)


def recorded(body: Object) -> Isolation | None:
    """The result of an earlier operator process, if it was a good one: it stands until the next walk."""
    status = body.get("status") or {}
    isolation = status.get("isolation") or {}
    good = any(
        condition["type"] == "NetworkIsolated" and condition["status"] == "True"
        for condition in status.get("conditions") or ()
    )
    if not good or "probedAt" not in isolation:
        return None
    return Isolation(
        probed_at=isolation["probedAt"], allowed=isolation.get("allowed", 0), denied=isolation.get("denied", 0)
    )
