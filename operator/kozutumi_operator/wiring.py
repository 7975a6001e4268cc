"""The only wiring place: every part of the operator is made here, once, and given what it needs."""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiohttp

from kozutumi_operator.cluster import kinds
from kozutumi_operator.cluster.client import Cluster
from kozutumi_operator.cluster.kinds import Object
from kozutumi_operator.configuration import Configuration
from kozutumi_operator.metrics.counting import Metrics
from kozutumi_operator.metrics.telling import Telling
from kozutumi_operator.platform import PlatformSettings
from kozutumi_operator.reconcile.archives import Archives
from kozutumi_operator.reconcile.disposal_records import Records
from kozutumi_operator.reconcile.disposing import Disposing
from kozutumi_operator.reconcile.effects import Effects, crash_hook
from kozutumi_operator.reconcile.fleet import Fleet
from kozutumi_operator.reconcile.following import Following
from kozutumi_operator.reconcile.granted_changes import GrantedChanges
from kozutumi_operator.reconcile.isolation import Isolating
from kozutumi_operator.reconcile.memory import Memories
from kozutumi_operator.reconcile.organization import Parts, Reconciler
from kozutumi_operator.reconcile.planning import Planning
from kozutumi_operator.reconcile.probing import Probing
from kozutumi_operator.reconcile.queue import WorkQueue
from kozutumi_operator.reconcile.relisting import Kept, Relisting
from kozutumi_operator.reconcile.reporting import Reporting
from kozutumi_operator.reconcile.resolving import Resolving
from kozutumi_operator.reconcile.secret_watch import SecretWatches
from kozutumi_operator.reconcile.storage import Storage
from kozutumi_operator.reconcile.storage_checks import StorageChecks
from kozutumi_operator.reconcile.storing import Storing
from kozutumi_operator.storage.opening import open_store
from kozutumi_operator.wiring_people import People, wire_people

jitter = random.SystemRandom().random


@dataclass(frozen=True, slots=True, kw_only=True)
class Wired:
    """What runs: the queue's workers, the tasks of `background`, and watches that call `tap` and `add`."""

    queue: WorkQueue
    memories: Memories
    metrics: Metrics
    fleet: Fleet
    storage_checks: StorageChecks
    archives: Archives
    resolving: Resolving
    planning: Planning
    people: People
    relisting: Relisting

    def add(self, name: str) -> None:
        """Queue an organization, unless it is another shard's."""
        if name not in self.memories.foreign:
            self.queue.add(name)

    def tap(self, found: Object) -> None:
        kind = found.get("kind", "")
        self.metrics.watched(kind)
        if kind == kinds.ORGANIZATION.name:
            self.memories.foreign.discard(found["metadata"]["name"])

    def background(self) -> dict[str, Coroutine[Any, Any, None]]:
        """By name. Each runs until it is cancelled; one that ends, ends the operator."""
        return {
            "storage checks": self.storage_checks.run(),
            "archives": self.archives.run(),
            "plans": self.planning.run(),
            **self.people.background(),
            "fleet": self.fleet.run(),
            "relisting": self.relisting.run(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Base:
    """What nearly every part needs."""

    configuration: Configuration
    cluster: Cluster
    metrics: Metrics
    now: Callable[[], datetime]
    effects: Effects
    memories: Memories
    queue: WorkQueue
    reporting: Reporting

    @property
    def platform(self) -> PlatformSettings:
        return self.configuration.platform


@dataclass(frozen=True, slots=True, kw_only=True)
class _Helpers:
    """What looks at one organization share, beyond the base."""

    storage: Storage
    storage_checks: StorageChecks
    archives: Archives
    following: Following
    walks: Probing
    isolating: Isolating
    secret_watches: SecretWatches


def wire(
    configuration: Configuration,
    cluster: Cluster,
    tenants: aiohttp.ClientSession,
    metrics: Metrics,
    now: Callable[[], datetime],
) -> Wired:
    effects = _effects(configuration)
    base = _Base(
        configuration=configuration,
        cluster=cluster,
        metrics=metrics,
        now=now,
        effects=effects,
        memories=Memories(),
        queue=WorkQueue(jitter),
        reporting=Reporting(
            cluster,
            effects,
            configuration.platform,
            instance=configuration.identity,
            now=now,
            count=metrics.repaired,
        ),
    )
    helpers, fleet, resolving = _helpers(base, tenants), _fleet(base), Resolving(base.platform, base.queue.add)
    base.queue.handle = metrics.timed(_reconciler(base, helpers, fleet, resolving).look)
    metrics.registry.register(Telling(base.memories, fleet, base.queue))
    planning, people = Planning(cluster, effects, resolving, now=now, random=jitter), _people(base, helpers)
    return Wired(
        queue=base.queue,
        memories=base.memories,
        metrics=metrics,
        fleet=fleet,
        storage_checks=helpers.storage_checks,
        archives=helpers.archives,
        resolving=resolving,
        planning=planning,
        people=people,
        relisting=Relisting(cluster, _kept(resolving, planning, people)),
    )


def _kept(resolving: Resolving, planning: Planning, people: People) -> tuple[Kept, ...]:
    announcing = people.announcing
    return (
        Kept(kinds.ORGANIZATION, lambda: resolving.organizations, resolving.organization_seen),
        Kept(kinds.ORGANIZATION_PLAN, lambda: resolving.plans, planning.seen),
        Kept(kinds.ANNOUNCEMENT, announcing.shown, announcing.seen),
    )


def _fleet(base: _Base) -> Fleet:
    return Fleet(
        base.cluster,
        base.effects,
        base.platform,
        base.configuration.fleet,
        now=base.now,
        changed=base.queue.add,
        tell=base.reporting.event,
        shard=base.configuration.shard,
    )


def _helpers(base: _Base, tenants: aiohttp.ClientSession) -> _Helpers:
    platform, memories, add, now = base.platform, base.memories, base.queue.add, base.now
    configuration = base.configuration
    store = open_store(platform, configuration.store_ca, configuration.store_credential(), now)
    storage = Storage(store, platform, base.effects)
    walks = Probing(base.cluster, base.effects, platform, now)
    return _Helpers(
        storage=storage,
        storage_checks=StorageChecks(storage, platform, memories, add, now=now, random=jitter),
        archives=Archives(base.cluster, base.effects, storage, now),
        following=Following(tenants, memories, add, jitter, clock_limit=platform.clock_limit, now=now),
        walks=walks,
        isolating=Isolating(walks, memories, add, now=now, random=jitter),
        secret_watches=SecretWatches(base.cluster, add),
    )


def _disposing(base: _Base, helpers: _Helpers) -> Disposing:
    return Disposing(
        cluster=base.cluster,
        effects=base.effects,
        platform=base.platform,
        memories=base.memories,
        reporting=base.reporting,
        storage=helpers.storage,
        following=helpers.following,
        walks=helpers.walks,
        isolating=helpers.isolating,
        secret_watches=helpers.secret_watches,
        records=_records(base.configuration, base.cluster, base.effects, base.now),
        record_written=helpers.archives.consider,
        now=base.now,
    )


def _reconciler(base: _Base, helpers: _Helpers, fleet: Fleet, resolving: Resolving) -> Reconciler:
    storing = Storing(
        storage=helpers.storage,
        checks=helpers.storage_checks,
        platform=base.platform,
        reporting=base.reporting,
        now=base.now,
    )
    return Reconciler(
        Parts(
            cluster=base.cluster,
            platform=base.platform,
            authority=base.configuration.authority,
            effects=base.effects,
            memories=base.memories,
            reporting=base.reporting,
            storage=helpers.storage,
            storing=storing,
            storage_checks=helpers.storage_checks,
            following=helpers.following,
            isolating=helpers.isolating,
            disposing=_disposing(base, helpers),
            secret_watches=helpers.secret_watches,
            fleet=fleet,
            resolving=resolving,
            now=base.now,
        )
    )


def _people(base: _Base, helpers: _Helpers) -> People:
    return wire_people(
        cluster=base.cluster,
        effects=base.effects,
        following=helpers.following,
        reporting=base.reporting,
        changes=GrantedChanges(base.memories, base.queue.add),
        shard=base.configuration.shard,
        now=base.now,
        random=jitter,
    )


def _effects(configuration: Configuration) -> Effects:
    if not configuration.crash_after:
        return Effects()
    return Effects(crash_hook(configuration.crash_after, configuration.crash_markers))


def _records(configuration: Configuration, cluster: Cluster, effects: Effects, now: Callable[[], datetime]) -> Records:
    return Records(
        cluster=cluster,
        effects=effects,
        signer=configuration.disposal_signer,
        now=now,
        etcd_backup_days=configuration.platform.etcd_backup_days,
        operator=configuration.identity,
    )
