"""The two controllers of what people at the provider do: access grants and announcements, each with its own queue."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import kopf

from kozutumi_operator import handlers
from kozutumi_operator.cluster.client import Cluster
from kozutumi_operator.cluster.kinds import ACCESS_GRANT, ANNOUNCEMENT, ORGANIZATION, ROLE_BINDING, Object
from kozutumi_operator.reconcile.announcing import Announcing
from kozutumi_operator.reconcile.effects import Effects
from kozutumi_operator.reconcile.following import Following
from kozutumi_operator.reconcile.granted_changes import GrantedChanges
from kozutumi_operator.reconcile.granting import Granting
from kozutumi_operator.reconcile.queue import WorkQueue
from kozutumi_operator.reconcile.reporting import Reporting
from kozutumi_operator.shards import Shard

WORKERS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    granting: Granting
    announcing: Announcing
    grants: WorkQueue
    announcements: WorkQueue

    async def listen(self, registry: kopf.OperatorRegistry) -> None:
        await self.announcing.load()
        handlers.listen(registry, ACCESS_GRANT, self.granting.seen)
        handlers.listen(registry, ORGANIZATION, self.granting.organization_seen)
        handlers.listen(registry, ROLE_BINDING, self.granting.binding_seen)
        handlers.listen(registry, ANNOUNCEMENT, self.announcing.seen)
        handlers.listen(registry, ORGANIZATION, self.announcing.organization_seen)

    def background(self) -> dict[str, Coroutine[Any, Any, None]]:
        queues = {"grants": self.grants, "announcements": self.announcements}
        return {f"{name} {number}": queue.work() for name, queue in queues.items() for number in range(WORKERS)}


def wire_people(
    *,
    cluster: Cluster,
    effects: Effects,
    following: Following,
    reporting: Reporting,
    changes: GrantedChanges,
    shard: Shard,
    now: Callable[[], datetime],
    random: Callable[[], float],
) -> People:
    grants, announcements = WorkQueue(random, of="grant"), WorkQueue(random, of="announcing")

    def mine(organization: Object) -> bool:
        return shard.has(organization["metadata"].get("labels"))

    granting = Granting(
        cluster=cluster,
        effects=effects,
        following=following,
        reporting=reporting,
        changes=changes,
        add=grants.add,
        mine=mine,
        now=now,
    )
    announcing = Announcing(
        cluster=cluster,
        effects=effects,
        following=following,
        add=announcements.add,
        add_later=announcements.add_later,
        mine=mine,
        now=now,
    )
    grants.handle, announcements.handle = granting.look, announcing.look
    following.answered = announcing.answered
    return People(granting=granting, announcing=announcing, grants=grants, announcements=announcements)
