from __future__ import annotations

from typing import Any

from kozutumi_operator.cluster.kinds import ORGANIZATION_PLAN
from kozutumi_operator.reconcile.effects import Effects
from kozutumi_operator.reconcile.planning import Planning
from kozutumi_operator.reconcile.resolving import Resolving
from operator_builders import settings
from operator_world import OperatorWorld, now


def plan(name: str, **rules: Any) -> dict[str, Any]:
    kind = {"apiVersion": ORGANIZATION_PLAN.api_version, "kind": ORGANIZATION_PLAN.name}
    return {**kind, "metadata": {"name": name, "uid": name, "resourceVersion": "0"}, "spec": rules}


async def test_a_second_default_is_told_to_both_and_only_once() -> None:
    world = OperatorWorld()
    planning = Planning(
        world.cluster.as_cluster(),
        Effects(),
        Resolving(settings(), lambda _: None),
        now=now,
        random=lambda: 0.5,
    )
    place = "OrganizationPlan", ""
    for name in ("first", "second"):
        world.cluster.objects[(*place, name)] = plan(name, default=True)
        planning.seen("ADDED", world.cluster.objects[(*place, name)])
    for name in ("first", "second"):
        await planning.look(name)
        ready = world.cluster.objects[(*place, name)]["status"]["conditions"][0]
        assert (ready["status"], ready["reason"]) == ("False", "DefaultPlanAmbiguous")
        planning.seen("MODIFIED", world.cluster.objects[(*place, name)])
    world.cluster.log.clear()
    for name in ("first", "second", "gone"):
        assert await planning.look(name) is None
    assert world.cluster.log == []
