"""What was repaired is told, whatever else goes wrong in the same pass."""

from __future__ import annotations

import contextlib

import pytest

from kozutumi_operator.cluster.kinds import Kind, Object
from kozutumi_operator.errors import ClusterUnavailable
from kozutumi_operator.reconcile.organization import Reconciler
from operator_world import OperatorWorld

CODE, NAMESPACE = "acme", "kz-acme"
POLICY = ("NetworkPolicy", NAMESPACE, "default-deny")


@pytest.fixture
async def world() -> OperatorWorld:
    world = OperatorWorld()
    world.organize()
    reconciler = world.process()
    for _ in range(20):
        await reconciler.look(CODE)
    return world


def told(world: OperatorWorld) -> list[str]:
    events = [each for place, each in world.cluster.objects.items() if place[0] == "Event"]
    return [each["note"] for each in events if each["reason"] == "Repaired"]


async def failing_look(reconciler: Reconciler) -> None:
    with contextlib.suppress(ClusterUnavailable):
        await reconciler.look(CODE)


async def test_a_repair_before_an_error_is_told(world: OperatorWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    del world.cluster.objects[POLICY]
    del world.cluster.objects["ServiceAccount", NAMESPACE, "scanner"]
    apply = world.cluster.apply

    async def refusing(obj: Object, **how: str) -> Object:
        if obj["kind"] == "ServiceAccount":
            raise ClusterUnavailable("503")
        return await apply(obj, **how)

    reconciler = world.process()
    with monkeypatch.context() as patched:
        patched.setattr(world.cluster, "apply", refusing)
        await failing_look(reconciler)
    assert told(world) == ["NetworkPolicy default-deny: deleted"]
    for _ in range(3):
        await reconciler.look(CODE)
    assert sorted(told(world)) == ["NetworkPolicy default-deny: deleted", "ServiceAccount scanner: deleted"]


@pytest.mark.parametrize("working", range(3))
async def test_a_deletion_is_told_after_looks_that_failed(
    world: OperatorWorld, monkeypatch: pytest.MonkeyPatch, working: int
) -> None:
    """A look that saw nothing, or half, must not make a deleted object pass for one that never was."""
    del world.cluster.objects[POLICY]
    listing, left = world.cluster.list, [working]

    async def failing(kind: Kind, namespace: str | None = None, *, label_selector: str = "") -> list[Object]:
        left[0] -= 1
        if left[0] < 0:
            raise ClusterUnavailable("503")
        return await listing(kind, namespace, label_selector=label_selector)

    reconciler = world.process()
    with monkeypatch.context() as patched:
        patched.setattr(world.cluster, "list", failing)
        await failing_look(reconciler)
    for _ in range(3):
        await reconciler.look(CODE)
    assert told(world) == ["NetworkPolicy default-deny: deleted"]
    inventory = world.cluster.objects["Organization", "", CODE]["status"]["inventory"]
    assert "NetworkPolicy/default-deny" in inventory
