"""Creation and deletion under random mixtures of what can go wrong: they end the same, with nothing lost or left."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from fake_cluster import FakeCluster
from kozutumi_contract import labels
from kozutumi_operator.cluster.client import Conflict
from kozutumi_operator.cluster.kinds import ORGANIZATION
from kozutumi_operator.errors import ClusterUnavailable, OperatorError
from kozutumi_operator.manifests.secret import entries
from kozutumi_operator.organizations.disposal_record import record_name
from operator_world import CrashError, OperatorWorld

T = TypeVar("T")
CODE, NAMESPACE = "acme", "kz-acme"
READS = ("get", "list")
WRITES = ("create", "replace", "apply", "merge", "patch", "delete")
LOOKS_WHILE_BAD, LOOKS_TO_HEAL = 12, 60

# What one request may meet. "lost": it is done, and the answer never comes.
FAULTS = ("fine", "fine", "fine", "conflict", "away", "lost", "killed before", "killed after")
# What may happen between two looks. "leader": another process takes over, which remembers nothing.
BETWEEN = ("nothing", "nothing", "leader", "store away", "store back", "policy deleted", "pods deleted")


@dataclass
class FaultyCluster(FakeCluster):
    """Each request takes the next fault; when there are none left, all is fine."""

    faults: Iterator[str] = field(default_factory=lambda: iter(()))

    async def meet(self, verb: str, request: Callable[[], Awaitable[T]]) -> T:
        fault = next(self.faults, "fine")
        if fault == "killed before":
            raise CrashError(verb)
        if fault == "away" or (fault == "lost" and verb in READS):
            raise ClusterUnavailable(f"{verb}: no answer")
        if fault == "conflict" and verb in WRITES:
            raise Conflict(f"{verb}: somebody wrote first")
        result = await request()
        if fault == "lost":
            raise ClusterUnavailable(f"{verb}: the answer was lost")
        if fault == "killed after":
            raise CrashError(verb)
        return result


def _faulty(verb: str) -> Any:
    plain = getattr(FakeCluster, verb)

    async def request(self: FaultyCluster, *arguments: Any, **options: Any) -> Any:
        return await self.meet(verb, lambda: plain(self, *arguments, **options))

    return request


for _verb in (*READS, *WRITES):
    setattr(FaultyCluster, _verb, _faulty(_verb))


class Troubled:
    """An operator whose process, leadership, store and cluster come and go."""

    def __init__(self, faults: list[str], between: list[str]) -> None:
        self.world = OperatorWorld(cluster=FaultyCluster(faults=iter(faults)))
        self.world.organize()
        self.between = iter(between)
        self.operator = self.world.process()

    @property
    def objects(self) -> dict[tuple[str, str, str], Any]:
        return self.world.cluster.objects

    async def look(self) -> None:
        try:
            with contextlib.suppress(OperatorError):
                await self.operator.look(CODE)
        except CrashError:
            self.operator = self.world.process()

    async def suffer(self) -> None:
        for _ in range(LOOKS_WHILE_BAD):
            self.happen(next(self.between, "nothing"))
            await self.look()

    def happen(self, what: str) -> None:
        event(what)
        if what == "leader":
            self.operator = self.world.process()
        elif what in {"store away", "store back"}:
            self.world.store.away = what == "store away"
        elif what == "policy deleted":
            self.objects.pop(("NetworkPolicy", NAMESPACE, "default-deny"), None)
        elif what == "pods deleted":
            for kind in ("Deployment", "Pod"):  # Kubernetes' own controller takes the one with the other
                self.objects.pop((kind, NAMESPACE, "app"), None)

    async def heal(self, done: Callable[[], bool]) -> None:
        self.world.store.away = False
        cast("FaultyCluster", self.world.cluster).faults = iter(())
        self.operator = self.world.process()
        for _ in range(LOOKS_TO_HEAL):
            await self.look()
            if done():
                return
        raise AssertionError(self.world.cluster.log[-10:])

    def is_ready(self) -> bool:
        found = self.objects.get(("Organization", "", CODE), {}).get("status", {}).get("conditions", [])
        return any((each["type"], each["status"]) == ("Ready", "True") for each in found)

    def is_gone(self) -> bool:
        return ("Organization", "", CODE) not in self.objects

    def lasting(self) -> set[tuple[str, str, str]]:
        return {place for place in self.objects if place[0] not in {"Event", "Pod", "Organization"}}


async def undisturbed() -> set[tuple[str, str, str]]:
    if not _UNDISTURBED:
        troubled = Troubled([], [])
        await troubled.heal(troubled.is_ready)
        _UNDISTURBED.update(troubled.lasting())
    return _UNDISTURBED


_UNDISTURBED: set[tuple[str, str, str]] = set()
faults = st.lists(st.sampled_from(FAULTS), max_size=200)
between = st.lists(st.sampled_from(BETWEEN), max_size=LOOKS_WHILE_BAD)
# A failure is told as it was found: to shrink one takes minutes.
thorough = settings(
    max_examples=6, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow]
)


@thorough
@given(faults=faults, between=between)
def test_creation_ends_ready_with_one_key_ring_and_one_access_key(faults: list[str], between: list[str]) -> None:
    async def run() -> None:
        troubled = Troubled(faults, between)
        await troubled.suffer()
        await troubled.heal(troubled.is_ready)
        assert troubled.lasting() == await undisturbed()
        assert troubled.world.cluster.log.count("create Secret keyring") == 1
        [user] = troubled.world.store.users.values()
        [key] = user.access_key_ids
        held = entries(troubled.objects["Secret", NAMESPACE, "storage-credential"])
        assert held["access-key-id"] == key.encode()

    asyncio.run(run())


@thorough
@given(faults=faults, between=between)
def test_deletion_leaves_its_record_and_nothing_else(faults: list[str], between: list[str]) -> None:
    async def run() -> None:
        troubled = Troubled([], between)
        await troubled.heal(troubled.is_ready)
        await FakeCluster.delete(troubled.world.cluster, ORGANIZATION, CODE)
        cast("FaultyCluster", troubled.world.cluster).faults = iter(faults)
        await troubled.suffer()
        await troubled.heal(troubled.is_gone)
        assert troubled.lasting() == {("ConfigMap", labels.SYSTEM_NAMESPACE, record_name(CODE))}
        store = troubled.world.store
        assert (store.users, [name for name in store.buckets if not name.endswith("-archive")]) == ({}, [])
        destroyed = [line for line in troubled.world.cluster.log if line == "delete Secret keyring"]
        assert len(destroyed) == 1

    asyncio.run(run())


@thorough
@given(faults=faults, between=between)
def test_deletion_in_the_middle_of_creation_leaves_nothing_either(faults: list[str], between: list[str]) -> None:
    async def run() -> None:
        troubled = Troubled(faults, between)
        await troubled.suffer()
        await FakeCluster.delete(troubled.world.cluster, ORGANIZATION, CODE)
        await troubled.suffer()
        await troubled.heal(troubled.is_gone)
        assert troubled.lasting() <= {("ConfigMap", labels.SYSTEM_NAMESPACE, record_name(CODE))}
        assert troubled.world.store.users == {}

    asyncio.run(run())
