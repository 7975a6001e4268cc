"""The end of an organization where something stands in its way: retention, a legal hold, a volume, a missing signer."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kozutumi_contract import labels
from kozutumi_operator.cluster.kinds import ORGANIZATION, Object
from kozutumi_operator.errors import SignerMissing, VolumeKept
from kozutumi_operator.reconcile.effects import Effect
from kozutumi_operator.reconcile.organization import Reconciler
from operator_world import NOW, OperatorWorld

CODE, NAMESPACE = "acme", "kz-acme"
RING = ("Secret", NAMESPACE, "keyring")
RECORD = ("ConfigMap", labels.SYSTEM_NAMESPACE, "disposal-acme")
HOUR = {"deletionPolicy": "Retain", "retainFor": "1h"}


async def ready(**spec: Any) -> OperatorWorld:
    world = OperatorWorld()
    world.organize(**spec)
    reconciler = world.process()
    for _ in range(20):
        before = len(world.cluster.log) + len(world.store.calls)
        await reconciler.look(CODE)
        if len(world.cluster.log) + len(world.store.calls) == before:
            return world
    raise AssertionError(world.cluster.log[-5:])


def resource(world: OperatorWorld) -> Object:
    return world.cluster.objects["Organization", "", CODE]


def condition(world: OperatorWorld, kind: str) -> tuple[str, str] | None:
    found = [each for each in resource(world)["status"]["conditions"] if each["type"] == kind]
    return (found[0]["status"], found[0]["reason"]) if found else None


def respecify(world: OperatorWorld, **spec: Any) -> None:
    """As an edit of the manifest: None takes a field away."""
    body = resource(world)
    body["spec"] = {key: value for key, value in (body["spec"] | spec).items() if value is not None}
    body["metadata"]["generation"] += 1


async def delete(world: OperatorWorld) -> None:
    await world.cluster.delete(ORGANIZATION, CODE)


async def looks(world: OperatorWorld, count: int = 40) -> float | None:
    """Each by a process of its own, as if the operator were started anew in between. The last answer."""
    answer: float | None = 0.0
    for _ in range(count):
        answer = await world.process().look(CODE)
    return answer


def pods(world: OperatorWorld) -> list[str]:
    return [place[2] for place in world.cluster.objects if place[0] in {"Pod", "Deployment"} and place[1] == NAMESPACE]


async def test_retained_it_is_stopped_with_its_keys_until_its_time_then_disposed_of() -> None:
    world = await ready(**HOUR)
    await delete(world)
    deleted = datetime.fromisoformat(resource(world)["metadata"]["deletionTimestamp"])
    assert await looks(world) == (deleted + timedelta(hours=1) - NOW).total_seconds()
    assert condition(world, "Ready") == ("False", "Retained")
    assert "2026-01-01T01:00:00Z" in json.dumps(resource(world)["status"]["conditions"])
    assert resource(world)["status"]["retainedUntil"] == "2026-01-01T01:00:00Z"
    assert RING in world.cluster.objects
    assert ("Service", NAMESPACE, "app-public") not in world.cluster.objects
    assert pods(world) == []
    assert "kozutumi-acme" in world.store.buckets
    world.performed.clear()
    await looks(world, 3)
    assert world.performed == []
    world.time = NOW + timedelta(hours=1)
    await looks(world)
    assert ("Organization", "", CODE) not in world.cluster.objects
    assert (world.store.buckets, RING in world.cluster.objects) == ({}, False)


async def test_a_hold_keeps_what_is_retained_longer_and_its_end_lets_it_go() -> None:
    world = await ready(**HOUR)
    await delete(world)
    await looks(world)
    respecify(world, legalHold={"reason": "case 7"})
    world.time = NOW + timedelta(days=400)
    assert await looks(world) is None
    assert condition(world, "Ready") == ("False", "LegalHold")
    assert condition(world, "LegalHold") == ("True", "Held")
    assert RING in world.cluster.objects
    respecify(world, legalHold=None)
    await looks(world)
    assert ("Organization", "", CODE) not in world.cluster.objects


# WriteStatus: the step is told right before it is done.
@pytest.mark.parametrize("after", [Effect.STOP_ENDPOINT, Effect.DRAIN, Effect.RECORD_INVENTORY, Effect.WRITE_STATUS])
async def test_a_hold_set_after_the_deletion_began_saves_the_key_ring(after: Effect) -> None:
    world = await ready()
    await delete(world)
    parts = world.parts()
    perform = parts.effects.perform

    async def performing(effect: Effect, doing: Any) -> Any:
        result = await perform(effect, doing)
        if effect is after and resource(world)["status"].get("disposal", {}).get("step") in {None, *steps}:
            respecify(world, legalHold={"reason": "case 7"})
        return result

    steps = {"DestroyKeyRing"} if after is Effect.WRITE_STATUS else {"StopEndpoint", "Drain", "TakeInventory"}
    parts.effects.perform = performing  # type: ignore[method-assign]  # what somebody else does at that very moment
    reconciler = Reconciler(parts)
    for _ in range(10):
        await reconciler.look(CODE)
    assert condition(world, "Ready") == ("False", "LegalHold")
    assert RING in world.cluster.objects
    assert pods(world) == []
    assert Effect.EMPTY_CONTENT_BUCKET not in world.performed


async def test_a_hold_on_a_living_organization_is_told_and_stops_nothing_else() -> None:
    world = await ready(legalHold={"reason": "case 7"})
    assert condition(world, "LegalHold") == ("True", "Held")
    assert condition(world, "Ready") == ("True", "AsSpecified")
    respecify(world, legalHold=None)
    await looks(world, 2)
    assert condition(world, "LegalHold") is None


@pytest.mark.parametrize("policy", ["Delete", "Retain"])
async def test_a_volume_is_awaited_and_one_that_stays_is_never_told_as_destroyed(policy: str) -> None:
    world = await ready()
    claim = next(each for place, each in world.cluster.objects.items() if place[0] == "PersistentVolumeClaim")
    claim["spec"]["volumeName"] = "pv-1"
    volume = {"metadata": {"name": "pv-1"}, "spec": {"persistentVolumeReclaimPolicy": policy}}
    world.cluster.objects["PersistentVolume", "", "pv-1"] = volume
    await delete(world)
    reconciler = world.process()
    if policy == "Retain":
        await reconciler.look(CODE)  # up to the namespace, which takes its time
        with pytest.raises(VolumeKept):
            await reconciler.look(CODE)
        assert condition(world, "Stalled") == ("True", "VolumeKept")
    else:
        assert await looks(world) == 1.0
    assert "disposal.json" not in world.cluster.objects[RECORD]["data"]
    assert ("Organization", "", CODE) in world.cluster.objects
    del world.cluster.objects["PersistentVolume", "", "pv-1"]
    await looks(world, 5)
    destroyed = json.loads(world.cluster.objects[RECORD]["data"]["disposal.json"])["document"]["destroyed"]
    assert {"what": "Volumes", "name": "pv-1", "claim": "data"}.items() <= destroyed[-2].items()
    assert ("Organization", "", CODE) not in world.cluster.objects


async def test_without_a_signer_nothing_is_destroyed() -> None:
    world = await ready()
    await delete(world)
    parts = world.parts()

    def missing() -> Any:
        raise SignerMissing("no key")

    parts.disposing.records = dataclasses.replace(parts.disposing.records, signer=missing)
    with pytest.raises(SignerMissing):
        await Reconciler(parts).look(CODE)
    assert condition(world, "Stalled") == ("True", "SignerMissing")
    assert RING in world.cluster.objects
    assert ("Service", NAMESPACE, "app-public") in world.cluster.objects


async def test_a_filled_archive_is_named_with_its_end_and_left_to_the_sweep() -> None:
    world = await ready()
    world.store.objects["kozutumi-acme-archive"] = {"head": datetime(2027, 3, 1, tzinfo=UTC)}
    await delete(world)
    await looks(world)
    record = world.cluster.objects[RECORD]
    kept = json.loads(record["data"]["disposal.json"])["document"]["kept"]
    assert [each["name"] for each in kept] == ["kozutumi-acme-archive", "backups and history of etcd"]
    assert kept[0]["until"] == "2027-03-01T00:00:00Z"
    assert record["metadata"]["annotations"][labels.ARCHIVE_BUCKET] == "kozutumi-acme-archive"
    assert record["metadata"]["annotations"][labels.ARCHIVE_UNTIL] == "2027-03-01T00:00:00Z"
    assert list(world.store.buckets) == ["kozutumi-acme-archive"]


async def test_a_volume_that_is_bound_after_the_inventory_is_awaited_too() -> None:
    world = await ready()
    claim = next(each for place, each in world.cluster.objects.items() if place[0] == "PersistentVolumeClaim")
    await delete(world)
    parts = world.parts()
    perform = parts.effects.perform

    async def performing(effect: Effect, doing: Any) -> Any:
        result = await perform(effect, doing)
        if effect is Effect.DESTROY_KEY_RING:
            claim["spec"]["volumeName"] = "pv-1"
            volume = {"metadata": {"name": "pv-1"}, "spec": {"persistentVolumeReclaimPolicy": "Delete"}}
            world.cluster.objects["PersistentVolume", "", "pv-1"] = volume
        return result

    parts.effects.perform = performing  # type: ignore[method-assign]  # what happens at that very moment
    reconciler = Reconciler(parts)
    for _ in range(4):
        await reconciler.look(CODE)
    assert ("Organization", "", CODE) in world.cluster.objects
    del world.cluster.objects["PersistentVolume", "", "pv-1"]
    await looks(world, 5)
    destroyed = json.loads(world.cluster.objects[RECORD]["data"]["disposal.json"])["document"]["destroyed"]
    assert "pv-1" in [each["name"] for each in destroyed]
