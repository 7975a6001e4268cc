"""Tells each OrganizationPlan whether it can be used. What a plan does to organizations is `resolving`'s."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from kozutumi_contract.labels import STATUS_FIELD_MANAGER
from kozutumi_operator.cluster.client import Cluster
from kozutumi_operator.cluster.kinds import ORGANIZATION_PLAN, Object
from kozutumi_operator.organizations import plan_status
from kozutumi_operator.reconcile.effects import Effect, Effects
from kozutumi_operator.reconcile.queue import WorkQueue
from kozutumi_operator.reconcile.resolving import Resolving


class Planning:
    """A queue of its own, of plans' names."""

    def __init__(
        self,
        cluster: Cluster,
        effects: Effects,
        resolving: Resolving,
        *,
        now: Callable[[], datetime],
        random: Callable[[], float],
    ) -> None:
        self._cluster = cluster
        self._effects = effects
        self._resolving = resolving
        self._now = now
        self._queue = WorkQueue(random)
        self._queue.handle = self.look

    def seen(self, event_type: str | None, plan: Object) -> None:
        """An event of the watch over OrganizationPlans. One plan marked as default concerns every other that is."""
        self._resolving.plan_seen(event_type, plan)
        for name in self._resolving.plans:
            self._queue.add(name)

    async def run(self) -> None:
        await self._queue.work()

    async def look(self, name: str) -> float | None:
        """Write the status where it changed. Two shards' operators find the same and do not fight."""
        plan = self._resolving.plans.get(name)
        if plan is None:
            return None
        current = plan_status.render(plan, self._resolving.plans, self._now())
        if current == plan.get("status"):
            return None
        wanted = {
            "apiVersion": ORGANIZATION_PLAN.api_version,
            "kind": ORGANIZATION_PLAN.name,
            "metadata": {"name": name, "uid": plan["metadata"]["uid"]},
            "status": current,
        }
        applying = self._cluster.apply(wanted, manager=STATUS_FIELD_MANAGER, subresource="status")
        await self._effects.perform(Effect.WRITE_PLAN_STATUS, applying)
        return None
