"""A guarded change through whole looks: held back, told to the app, applied once the app says so."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from kozutumi_operator.errors import TenantUnavailable
from kozutumi_operator.reconcile.effects import Effect
from kozutumi_operator.reconcile.organization import Parts, Reconciler
from operator_world import HEALTHY, FakeTenant, OperatorWorld, surviving

CODE = "acme"
ADMIN, PROVIDER = [{"email": "admin@acme.test"}], [{"email": "provider@kozutumi.test"}]
ACCEPTED = replace(HEALTHY, administrator_accepted=True)
_MADE: list[OperatorWorld] = []


def organization(world: OperatorWorld) -> Any:
    return world.cluster.objects["Organization", "", CODE]


def waiting(world: OperatorWorld) -> tuple[str, str] | None:
    found = [each for each in organization(world)["status"]["conditions"] if each["type"] == "ChangePending"]
    return (found[0]["reason"], found[0]["message"]) if found else None


def in_force(parts: Parts) -> tuple[str, ...]:
    seen = parts.memories.of(CODE).consent
    assert seen is not None
    return tuple(each["email"] for each in seen.body["spec"]["administrators"])


def told(parts: Parts) -> list[tuple[str, str, str, str]]:
    tenant: Any = parts.following.tenant(CODE)
    assert isinstance(tenant, FakeTenant)
    return tenant.told


async def accepted() -> tuple[OperatorWorld, Reconciler, Parts]:
    """Ready, and its first administrator has accepted."""
    if not _MADE:
        world = OperatorWorld()
        world.organize(administrators=ADMIN)
        parts = world.parts()
        reconciler = Reconciler(parts)
        for _ in range(5):
            await reconciler.look(CODE)
        parts.memories.of(CODE).tenant = ACCEPTED
        await reconciler.look(CODE)
        assert organization(world)["status"]["confirmed"]["bootstrapped"] is True
        _MADE.append(world)
    world = copy.deepcopy(_MADE[0])
    parts = world.parts()
    reconciler = Reconciler(parts)
    await reconciler.look(CODE)
    parts.memories.of(CODE).tenant = ACCEPTED
    await reconciler.look(CODE)
    return world, reconciler, parts


async def ask(world: OperatorWorld, reconciler: Reconciler) -> None:
    organization(world)["spec"]["administrators"] = PROVIDER
    await reconciler.look(CODE)


async def test_what_is_in_force_is_on_record_before_anybody_is_invited() -> None:
    world = OperatorWorld()
    world.organize(administrators=ADMIN)
    reconciler = world.process(Effect.INVITE_ADMINISTRATORS)
    for _ in range(6):
        await surviving(lambda: reconciler.look(CODE))
        if Effect.INVITE_ADMINISTRATORS in world.performed:
            break
    assert organization(world)["status"]["confirmed"]["bootstrapped"] is False


async def test_it_waits_and_the_app_is_told_until_an_administrator_confirms() -> None:
    world, reconciler, parts = await accepted()
    await ask(world, reconciler)
    assert in_force(parts) == ("admin@acme.test",)
    ((change_id, field, outcome, _),) = told(parts)
    assert (field, outcome) == ("spec.administrators", "pending")
    reason, message = waiting(world) or ("", "")
    assert reason == "AwaitingConsent"
    assert change_id in message
    memory = parts.memories.of(CODE)
    memory.tenant = replace(ACCEPTED, changes={change_id: "pending"})
    await reconciler.look(CODE)
    assert len(told(parts)) == 1
    memory.tenant = replace(ACCEPTED, changes={change_id: "confirmed"})
    await reconciler.look(CODE)
    assert (in_force(parts), waiting(world)) == (("provider@kozutumi.test",), None)
    memory.tenant = ACCEPTED
    await reconciler.look(CODE)
    assert in_force(parts) == ("provider@kozutumi.test",)


async def test_a_refusal_is_shown_and_a_restored_value_withdraws_the_question() -> None:
    world, reconciler, parts = await accepted()
    await ask(world, reconciler)
    change_id = told(parts)[0][0]
    memory = parts.memories.of(CODE)
    memory.tenant = replace(ACCEPTED, changes={change_id: "refused"})
    await reconciler.look(CODE)
    assert (waiting(world) or ("",))[0] == "ConsentRefused"
    memory.tenant = replace(ACCEPTED, changes={change_id: "pending"})
    organization(world)["spec"]["administrators"] = ADMIN
    await reconciler.look(CODE)
    assert told(parts)[-1] == (change_id, "spec", "withdrawn", "")
    assert waiting(world) is None


async def test_a_grant_lets_it_through_once_the_audit_log_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    world, reconciler, parts = await accepted()
    await ask(world, reconciler)
    change_id = told(parts)[0][0]
    parts.memories.of(CODE).granted_changes = {change_id: "incident-7"}

    async def silent(*_: Any, **__: Any) -> str:
        raise TenantUnavailable("the app does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(FakeTenant, "change", silent)
        await reconciler.look(CODE)
    assert in_force(parts) == ("admin@acme.test",)
    await reconciler.look(CODE)
    assert told(parts)[-1] == (change_id, "spec.administrators", "granted", "incident-7")
    assert in_force(parts) == ("provider@kozutumi.test",)


async def test_a_new_operator_that_has_not_asked_the_app_holds_to_the_record() -> None:
    world, _, _ = await accepted()
    organization(world)["spec"]["administrators"] = PROVIDER
    parts = world.parts()
    await Reconciler(parts).look(CODE)
    assert in_force(parts) == ("admin@acme.test",)
    assert (waiting(world) or ("",))[0] == "AwaitingConsent"


@pytest.mark.parametrize("now_says", [ACCEPTED, TenantUnavailable("the app does not answer")])
async def test_nothing_applies_at_once_by_an_answer_from_before_somebody_accepted(now_says: Any) -> None:
    """The provider changes the manifest in the seconds after the first administrator has accepted."""
    world = OperatorWorld()
    world.organize(administrators=ADMIN)
    parts = world.parts()
    reconciler = Reconciler(parts)
    for _ in range(6):
        await reconciler.look(CODE)
    assert organization(world)["status"]["confirmed"]["bootstrapped"] is False
    tenant: Any = parts.following.tenant(CODE)
    tenant.now_says = now_says
    await ask(world, reconciler)
    assert in_force(parts) == ("admin@acme.test",)


async def test_before_anybody_accepted_it_applies_at_once() -> None:
    world = OperatorWorld()
    world.organize(administrators=ADMIN)
    parts = world.parts()
    reconciler = Reconciler(parts)
    for _ in range(6):
        await reconciler.look(CODE)
    await ask(world, reconciler)
    assert in_force(parts) == ("provider@kozutumi.test",)
