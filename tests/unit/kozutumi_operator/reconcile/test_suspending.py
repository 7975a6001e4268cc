"""A suspended organization: no pod, everything else as it was, and back again."""

from __future__ import annotations

from operator_world import OperatorWorld

CODE, NAMESPACE = "acme", "kz-acme"


async def looks(world: OperatorWorld) -> None:
    reconciler = world.process()
    for _ in range(20):
        before = len(world.cluster.log) + len(world.store.calls)
        await reconciler.look(CODE)
        if len(world.cluster.log) + len(world.store.calls) == before:
            return
    raise AssertionError(world.cluster.log[-5:])


def suspend(world: OperatorWorld, *, on: bool) -> None:
    body = world.cluster.objects["Organization", "", CODE]
    body["spec"]["suspend"] = on
    body["metadata"]["generation"] += 1


def replicas(world: OperatorWorld) -> list[int]:
    return [each["spec"]["replicas"] for place, each in world.cluster.objects.items() if place[0] == "Deployment"]


def others(world: OperatorWorld) -> set[tuple[str, str, str]]:
    return {place for place in world.cluster.objects if place[0] not in {"Event", "Pod", "PodDisruptionBudget"}}


def ready(world: OperatorWorld) -> tuple[str, str]:
    conditions = world.cluster.objects["Organization", "", CODE]["status"]["conditions"]
    found = next(each for each in conditions if each["type"] == "Ready")
    return found["status"], found["reason"]


async def test_suspended_it_runs_no_pod_and_keeps_all_else_and_comes_back() -> None:
    world = OperatorWorld()
    world.organize()
    await looks(world)
    before, ring = others(world), world.cluster.objects["Secret", NAMESPACE, "keyring"]["data"]
    url = world.cluster.objects["Organization", "", CODE]["status"]["url"]
    suspend(world, on=True)
    await looks(world)
    assert replicas(world) == [0, 0]
    assert ready(world) == ("False", "Suspended")
    assert others(world) == before
    assert world.cluster.objects["Secret", NAMESPACE, "keyring"]["data"] == ring
    assert set(world.store.buckets) == {"kozutumi-acme", "kozutumi-acme-archive"}
    suspend(world, on=False)
    await looks(world)
    assert replicas(world) == [1, 1]
    assert ready(world) == ("True", "AsSpecified")
    assert world.cluster.objects["Organization", "", CODE]["status"]["url"] == url
