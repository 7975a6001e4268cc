"""The fleet on a fake cluster: the record comes first, everybody is told, at rest nothing is asked."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import operator_builders as builders
from fake_cluster import FakeCluster
from kozutumi_contract import labels
from kozutumi_operator.cluster.kinds import ORGANIZATION, Object
from kozutumi_operator.organizations import releases
from kozutumi_operator.organizations.observed import observe
from kozutumi_operator.organizations.rollout import Phase
from kozutumi_operator.organizations.waves import Policy
from kozutumi_operator.platform import PlatformSettings
from kozutumi_operator.reconcile.effects import Effects
from kozutumi_operator.reconcile.fleet import PAUSED_LOOK, Fleet
from kozutumi_operator.shards import Shard

RECORD = ("ConfigMap", labels.SYSTEM_NAMESPACE, "fleet-release")
START = datetime(2026, 1, 1, tzinfo=UTC)
OLD = builders.settings()
NEW = builders.settings(KOZUTUMI_IMAGE_APP="localhost/kozutumi-app:1")


@dataclass
class World:
    cluster: FakeCluster = field(default_factory=FakeCluster)
    now: datetime = START
    queued: list[str] = field(default_factory=list)
    told: list[tuple[str, str]] = field(default_factory=list)
    asked: int = 0

    async def fleet(self, platform: PlatformSettings, shard: Shard = Shard()) -> Fleet:  # noqa: B008 - frozen
        async def tell(body: Object, reason: str, note: str, *, warning: bool) -> None:
            assert note
            assert warning == (reason != "RollingOut")
            self.told.append((body["metadata"]["name"], reason))

        made = Fleet(
            self.cluster.as_cluster(),
            Effects(),
            platform,
            Policy(soak=timedelta(0), patience=timedelta(seconds=60)),
            now=lambda: self.now,
            changed=self.queued.append,
            tell=tell,
            shard=shard,
        )
        await made.load()
        return made

    def organize(self, name: str, **metadata: Any) -> Object:
        body: Object = {
            "apiVersion": ORGANIZATION.api_version,
            "kind": ORGANIZATION.name,
            "metadata": {"name": name, "uid": name, **metadata},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]},
        }
        self.cluster.objects["Organization", "", name] = body
        return body

    def look(self, fleet: Fleet, name: str, *, ready: bool = True) -> None:
        """As the reconciler would: render by the release that the fleet gives, and report."""
        body = self.cluster.objects["Organization", "", name]
        body["status"] = {"conditions": [{"type": "Ready", "status": str(ready)}]}
        counts = {"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1 if ready else 0}
        deployment = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "app", "annotations": {labels.RELEASE: fleet.rollout.release_of(name).id}},
            "spec": {"replicas": 1},
            "status": counts,
        }
        fleet.looked(body, observe([deployment]))


async def test_the_first_start_writes_the_release_down_and_moves_nobody() -> None:
    world = World()
    world.organize("a")
    fleet = await world.fleet(OLD)
    assert RECORD in world.cluster.objects
    assert (await fleet.tick(), world.queued) == (None, [])
    assert fleet.platform_for("a") == OLD


async def test_at_rest_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.organize("a")
    fleet = await world.fleet(OLD)

    async def asked(*_: object, **__: object) -> None:
        raise AssertionError("a request at rest")

    for verb in ("get", "list", "apply"):
        monkeypatch.setattr(world.cluster, verb, asked)
    world.look(fleet, "a")
    assert await fleet.tick() is None


async def rolled(world: World, *, ready: bool) -> Fleet:
    for name in ("a", "b", "c"):
        world.organize(name)
    await world.fleet(OLD)
    fleet = await world.fleet(NEW)
    for name in ("a", "b", "c"):
        world.look(fleet, name)
    for _ in range(20):
        moved = set(fleet.rollout.at)
        await fleet.tick()
        world.now += timedelta(seconds=30)
        for name in ("a", "b", "c"):
            world.look(fleet, name, ready=ready or name not in moved | set(fleet.rollout.at))
    return fleet


async def test_a_new_image_comes_in_waves_and_everybody_is_told() -> None:
    world = World()
    fleet = await rolled(world, ready=True)
    assert fleet.rollout.phase is Phase.SETTLED
    assert world.queued == ["a", "b", "c"]
    assert world.told == [(name, "RollingOut") for name in ("a", "b", "c")]
    assert {fleet.platform_for(name).image_app for name in "abc"} == {NEW.image_app}


async def test_a_broken_image_goes_back_and_another_operator_process_knows() -> None:
    world = World()
    fleet = await rolled(world, ready=False)
    assert fleet.rollout.phase is Phase.ROLLED_BACK
    assert world.told == [("a", "RollingOut"), ("a", "RolledBack")]
    assert {fleet.platform_for(name).image_app for name in "abc"} == {OLD.image_app}
    assert fleet.rollbacks == 1
    successor = await world.fleet(NEW)
    assert successor.rollout.phase is Phase.ROLLED_BACK
    assert successor.platform_for("a") == OLD


async def test_a_refused_release_is_tried_again_when_its_record_says_so() -> None:
    world = World()
    await rolled(world, ready=False)
    world.cluster.objects[RECORD]["metadata"]["annotations"] = {labels.RETRY_RELEASE: releases.of(NEW).id}
    assert (await world.fleet(NEW)).rollout.phase is Phase.ROLLING


async def test_the_record_is_written_before_anybody_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.organize("a")
    await world.fleet(OLD)
    fleet = await world.fleet(NEW)
    world.look(fleet, "a")

    async def dies(*_: object, **__: object) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(world.cluster, "apply", dies)
    with pytest.raises(asyncio.CancelledError):
        await fleet.tick()
    assert (world.queued, fleet.platform_for("a")) == ([], OLD)


async def test_a_pause_on_the_record_holds_everybody_and_one_on_an_organization_holds_it() -> None:
    world = World()
    world.organize("a", annotations={labels.PAUSED: "true"})
    world.organize("b")
    await world.fleet(OLD)
    world.cluster.objects[RECORD]["metadata"]["annotations"] = {labels.PAUSED: "true"}
    fleet = await world.fleet(NEW)
    for name in ("a", "b"):
        world.look(fleet, name)
    assert await fleet.tick() == PAUSED_LOOK
    assert (fleet.paused, world.queued) == (True, [])
    del world.cluster.objects[RECORD]["metadata"]["annotations"]
    await fleet.tick()
    assert world.queued == ["b"]


async def test_nobody_moves_before_everybody_was_seen_unless_that_takes_too_long() -> None:
    world = World()
    world.organize("a")
    world.organize("b")
    await world.fleet(OLD)
    fleet = await world.fleet(NEW)
    world.look(fleet, "b")
    await fleet.tick()
    assert world.queued == []
    world.now += timedelta(seconds=61)
    await fleet.tick()
    assert world.queued == ["b"]


async def test_a_shard_keeps_a_record_of_its_own() -> None:
    world = World()
    await world.fleet(OLD, Shard("east", "shard=east"))
    assert ("ConfigMap", labels.SYSTEM_NAMESPACE, "fleet-release-east") in world.cluster.objects
