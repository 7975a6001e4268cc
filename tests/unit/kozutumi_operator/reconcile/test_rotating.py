"""A rotation through whole looks, the operator killed after each of its effects."""

from __future__ import annotations

import base64
import copy
from dataclasses import replace
from typing import Any

import pytest

from kozutumi_contract import keyring, labels
from kozutumi_contract.keyring import KeyRing
from kozutumi_operator.organizations.facts import Rewrapped, TenantStatus
from kozutumi_operator.reconcile.effects import Effect
from kozutumi_operator.reconcile.organization import Parts, Reconciler
from operator_world import HEALTHY, OperatorWorld, surviving

CODE = "acme"
_MADE: list[OperatorWorld] = []
STEPS = [Effect.ADD_KEY_VERSION, Effect.ACTIVATE_KEY_VERSION, Effect.RETIRE_KEY_VERSION, Effect.REMOVE_KEY_VERSION]


class App:
    """Loads what is mounted at once, and re-wraps in one go; `holding` makes it wait before either."""

    def __init__(self, world: OperatorWorld) -> None:
        self.world = world
        self.holding = False

    @property
    def ring(self) -> KeyRing:
        secret = self.world.cluster.objects["Secret", labels.namespace(CODE), keyring.SECRET_NAME]
        return keyring.parse(base64.b64decode(secret["data"][keyring.SECRET_KEY]))

    def status(self) -> TenantStatus:
        ring = self.ring
        if self.holding:
            ring = replace(ring, active=min(ring.keys), keys={min(ring.keys): ring.keys[min(ring.keys)]})
        return replace(
            HEALTHY,
            key_versions=tuple(sorted(ring.keys)),
            active_key=ring.active,
            key_versions_in_use=(ring.active,),
            rewrapped=Rewrapped(ring.active, 4, 4),
        )


def organization(world: OperatorWorld) -> Any:
    return world.cluster.objects["Organization", "", CODE]


def encryption(world: OperatorWorld) -> dict[str, Any]:
    return dict(organization(world)["status"]["encryption"])


def ask(world: OperatorWorld, token: str) -> None:
    organization(world)["metadata"].setdefault("annotations", {})[labels.ROTATE] = token


def process(world: OperatorWorld, app: App, crash_after: Effect | None = None) -> tuple[Reconciler, Parts]:
    parts = world.parts(crash_after)
    parts.memories.of(CODE).tenant = app.status()
    return Reconciler(parts), parts


async def looks(app: App, reconciler: Reconciler, parts: Parts, number: int = 8) -> None:
    for _ in range(number):
        parts.memories.of(CODE).tenant = app.status()
        await reconciler.look(CODE)


async def ready() -> tuple[OperatorWorld, App]:
    """A Ready organization; made once, for its keys take time."""
    if not _MADE:
        world = OperatorWorld()
        world.organize()
        reconciler = world.process()
        for _ in range(5):
            await reconciler.look(CODE)
        world.performed.clear()
        _MADE.append(world)
    world = copy.deepcopy(_MADE[0])
    return world, App(world)


async def test_a_token_rotates_once() -> None:
    world, app = await ready()
    ask(world, "2026-02-01")
    await looks(app, *process(world, app))
    assert [effect for effect in world.performed if effect in STEPS] == STEPS
    assert list(app.ring.keys) == [2]
    shown = encryption(world)
    assert (shown["activeKeyVersion"], shown["stage"], shown["rotationToken"]) == (2, "None", "2026-02-01")
    assert [each.partition(":")[0] for each in shown["keyIds"]] == ["index", "audit", "2"]
    await looks(app, *process(world, app))
    assert list(app.ring.keys) == [2]
    ask(world, "2026-02-02")
    await looks(app, *process(world, app))
    assert list(app.ring.keys) == [3]


@pytest.mark.parametrize("effect", [*STEPS, Effect.WRITE_STATUS])
async def test_killed_after_any_effect_it_goes_on_and_no_loss_is_reported(effect: Effect) -> None:
    world, app = await ready()
    ask(world, "now")
    reconciler, parts = process(world, app, effect)
    for _ in range(8):
        parts.memories.of(CODE).tenant = app.status()
        await surviving(lambda: reconciler.look(CODE))
        if effect in world.performed:
            break
    await looks(app, *process(world, app))
    assert [each for each in world.performed if each in STEPS] == STEPS
    assert list(app.ring.keys) == [2]
    conditions = {each["type"]: each["status"] for each in organization(world)["status"]["conditions"]}
    assert conditions["KeysReady"] == "True"


async def test_it_waits_for_the_app_and_says_so() -> None:
    world, app = await ready()
    app.holding = True
    ask(world, "now")
    await looks(app, *process(world, app))
    assert (sorted(app.ring.keys), app.ring.active) == ([1, 2], 1)
    assert encryption(world)["stage"] == "Distributing"
    assert [each.partition(":")[0] for each in encryption(world)["keyIds"]] == ["index", "audit", "1", "2"]


async def test_a_rollout_under_way_speaks_for_no_replica() -> None:
    world, app = await ready()
    ask(world, "now")
    world.cluster.objects["Deployment", labels.namespace(CODE), "app"]["status"]["updatedReplicas"] = 0
    await looks(app, *process(world, app))
    assert app.ring.active == 1


async def test_a_ring_that_is_lost_in_the_middle_is_still_a_loss() -> None:
    world, app = await ready()
    app.holding = True
    ask(world, "now")
    first = world.cluster.objects["Secret", labels.namespace(CODE), keyring.SECRET_NAME]["data"].copy()
    reconciler, parts = process(world, app)
    await looks(app, reconciler, parts)
    world.cluster.objects["Secret", labels.namespace(CODE), keyring.SECRET_NAME]["data"] = first
    await looks(app, reconciler, parts, 2)
    conditions = {each["type"]: each["reason"] for each in organization(world)["status"]["conditions"]}
    assert conditions["Stalled"] == "KeyRingLost"
