from __future__ import annotations

import pytest

from kozutumi_operator.cluster.kinds import Object
from kozutumi_operator.errors import ApplyRefused
from operator_world import OperatorWorld


async def test_a_volume_that_may_not_grow_is_told_and_all_else_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    world = OperatorWorld()
    world.organize()
    reconciler = world.process()
    for _ in range(20):
        await reconciler.look("acme")
    volume = next(each for place, each in world.cluster.objects.items() if place[0] == "PersistentVolumeClaim")
    volume["spec"]["resources"]["requests"]["storage"] = "1Mi"  # as an earlier setting had it
    lost = [place for place in world.cluster.objects if place[0] in {"NetworkPolicy", "Service", "PodDisruptionBudget"}]
    for place in lost:
        del world.cluster.objects[place]
    apply = world.cluster.apply

    async def refusing(obj: Object, **how: str) -> Object:
        if obj["kind"] == "PersistentVolumeClaim":
            raise ApplyRefused("only dynamically provisioned pvc can be resized.")
        return await apply(obj, **how)

    monkeypatch.setattr(world.cluster, "apply", refusing)
    parts = world.parts()
    fresh = type(reconciler)(parts)
    for _ in range(5):
        await fresh.look("acme")
    assert set(lost) <= set(world.cluster.objects)
    assert parts.memories.of("acme").tenant is not None, "the app is followed"
    conditions = {
        each["type"]: each for each in world.cluster.objects["Organization", "", "acme"]["status"]["conditions"]
    }
    assert (conditions["Stalled"]["status"], conditions["Stalled"]["reason"]) == ("True", "ApplyRefused")
    assert "allowVolumeExpansion" in conditions["Stalled"]["message"]
    assert conditions["AppReady"]["status"] == "True"
