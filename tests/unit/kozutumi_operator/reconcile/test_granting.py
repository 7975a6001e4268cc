"""An AccessGrant from its request to its end, with the operator killed after each of its side effects."""

from __future__ import annotations

import pytest

from grant_world import NAMESPACE, GrantWorld
from kozutumi_contract import labels
from kozutumi_operator.cluster.kinds import ACCESS_GRANT
from kozutumi_operator.errors import TenantUnavailable
from kozutumi_operator.reconcile.effects import Effect
from operator_world import surviving

GIVING = [
    *(Effect.WRITE_GRANT_STATUS, Effect.ADD_GRANT_FINALIZER, Effect.AUDIT_GRANT, Effect.BIND_GRANT),
    Effect.CREATE_EVENT,
]


async def active(**spec: object) -> GrantWorld:
    world = GrantWorld()
    world.ask(**spec)
    world.approve()
    await world.process().look("g1")
    assert world.said() == ("Active", "Granted")
    return world


async def test_nothing_is_given_before_somebody_else_approves() -> None:
    world = GrantWorld()
    world.ask()
    assert await world.process().look("g1") == 24 * 3600
    assert (world.said(), world.bindings, world.log.entries) == (("Pending", "AwaitingApproval"), [], [])


async def test_approved_it_is_in_the_audit_log_before_the_binding_exists() -> None:
    world = await active()
    [entry] = world.log.entries
    assert entry[0] == "grant.opened"
    expected = {"subject": "hanako", "approved_by": "taro", "ticket": "INC-1", "expires": "2026-11-24T13:00:00Z"}
    assert expected.items() <= entry[1].items()
    assert world.performed.index(Effect.AUDIT_GRANT) < world.performed.index(Effect.BIND_GRANT)
    assert world.performed.index(Effect.ADD_GRANT_FINALIZER) < world.performed.index(Effect.AUDIT_GRANT)
    [binding] = world.bindings
    assert binding["metadata"]["namespace"] == NAMESPACE
    assert binding["roleRef"]["name"] == "kozutumi-grant-diagnose"
    assert [(each["kind"], each["name"]) for each in binding["subjects"]] == [("User", "hanako")]
    assert await world.process().look("g1") == 3600


async def test_a_look_at_what_is_given_changes_nothing() -> None:
    world = await active()
    world.performed.clear()
    await world.process().look("g1")
    assert world.performed == []


async def test_without_the_audit_log_nothing_is_given_and_its_return_gives_it() -> None:
    world = GrantWorld()
    world.ask()
    world.approve()
    world.log.away = True
    for _ in range(3):
        with pytest.raises(TenantUnavailable):
            await world.process().look("g1")
    assert (world.said(), world.bindings) == (("Pending", "AwaitingAudit"), [])
    world.log.away = False
    world.advance(minutes=59)
    assert await world.process().look("g1") == 60
    assert world.said() == ("Active", "Granted")


async def test_it_ends_by_itself_also_after_a_restart() -> None:
    world = await active()
    world.advance(seconds=3599)
    await world.process().look("g1")
    assert len(world.bindings) == 1
    world.advance(seconds=1)
    assert await world.process().look("g1") is None
    assert (world.said(), world.bindings) == (("Expired", "Expired"), [])
    assert [entry[0] for entry in world.log.entries] == ["grant.opened", "grant.closed"]
    assert world.grant["metadata"]["finalizers"] == []


async def test_deleted_it_is_taken_back_at_once_and_told() -> None:
    world = await active()
    await world.cluster.delete(ACCESS_GRANT, "g1")
    await world.process().look("g1")
    assert world.bindings == []
    assert [entry[0] for entry in world.log.entries] == ["grant.opened", "grant.closed"]
    assert ("AccessGrant", "", "g1") not in world.cluster.objects


async def test_a_log_that_is_away_does_not_make_it_last_longer_and_is_told_on_its_return() -> None:
    world = await active()
    world.log.away = True
    world.advance(hours=1)
    with pytest.raises(TenantUnavailable):
        await world.process().look("g1")
    assert (world.said(), world.bindings) == (("Expired", "ClosingAudit"), [])
    world.log.away = False
    await world.process().look("g1")
    assert world.said() == ("Expired", "Expired")
    assert world.log.entries[-1][0] == "grant.closed"


@pytest.mark.parametrize("effect", GIVING)
async def test_killed_while_giving_it_ends_the_same(effect: Effect) -> None:
    world = GrantWorld()
    world.ask()
    world.approve()
    await surviving(lambda: world.process(crash_after=effect).look("g1"))
    assert effect in world.performed
    await world.process().look("g1")
    assert (world.said(), len(world.bindings), len(world.log.entries)) == (("Active", "Granted"), 1, 1)


@pytest.mark.parametrize("effect", [Effect.UNBIND_GRANT, Effect.AUDIT_GRANT, Effect.WRITE_GRANT_STATUS])
async def test_killed_while_taking_back_it_ends_the_same(effect: Effect) -> None:
    world = await active()
    await world.cluster.delete(ACCESS_GRANT, "g1")
    world.performed.clear()
    await surviving(lambda: world.process(crash_after=effect).look("g1"))
    assert effect in world.performed
    await world.process().look("g1")
    assert world.bindings == []
    assert [entry[0] for entry in world.log.entries] == ["grant.opened", "grant.closed"]
    assert ("AccessGrant", "", "g1") not in world.cluster.objects


async def test_a_request_nobody_looks_at_is_given_up_and_cannot_be_approved_later() -> None:
    world = GrantWorld()
    world.ask()
    world.advance(hours=24)
    await world.process().look("g1")
    assert world.said() == ("Expired", "NotApproved")
    world.approve()
    await world.process().look("g1")
    assert (world.said(), world.bindings) == (("Expired", "NotApproved"), [])


async def test_a_binding_that_was_widened_gives_again_what_the_grant_says() -> None:
    world = await active()
    [binding] = world.bindings
    binding["subjects"].append({"kind": "User", "name": "mallory"})
    await world.process().look("g1")
    [binding] = world.bindings
    assert [each["name"] for each in binding["subjects"]] == ["hanako"]


@pytest.mark.parametrize("namespace", [NAMESPACE, "kz-kaede"])
async def test_a_binding_that_only_claims_to_be_a_grants_is_removed(namespace: str) -> None:
    world = GrantWorld()
    metadata = {"name": "x", "namespace": namespace, "labels": {labels.ACCESS_GRANT: "g1"}, "uid": "x"}
    world.cluster.objects["RoleBinding", namespace, "x"] = {"metadata": metadata, "roleRef": {}, "subjects": []}
    assert await world.process().look("g1") is None
    assert world.bindings == []


async def test_a_grant_that_got_past_admission_gives_nothing() -> None:
    for spec in ({"approvedBy": "hanako"}, {"duration": "9h", "approvedBy": "taro"}):
        world = GrantWorld()
        world.ask(**spec)
        await world.process().look("g1")
        assert (world.bindings, world.log.entries) == ([], [])


async def test_for_no_organization_or_another_shards_nothing_is_given() -> None:
    world = GrantWorld()
    world.ask(organization="nobody")
    world.approve()
    await world.process().look("g1")
    assert (world.said(), world.bindings) == (("Pending", "AwaitingOrganization"), [])
    world = GrantWorld()
    world.ask()
    world.approve()
    assert await world.process(mine=False).look("g1") is None
    assert "status" not in world.grant


async def test_changes_it_names_are_let_through_while_it_lasts() -> None:
    world = await active(changes=["c1"])
    granting = world.process()
    await granting.look("g1")
    assert world.memories.of("acme").granted_changes == {"c1": "g1"}
    assert "acme" in world.queued
    world.advance(hours=1)
    await granting.look("g1")
    assert world.memories.of("acme").granted_changes == {}


async def test_what_it_concerns_brings_it_back() -> None:
    world = await active()
    granting = world.process()
    await granting.look("g1")
    world.queued.clear()
    granting.organization_seen("MODIFIED", {"metadata": {"name": "acme"}})
    granting.organization_seen("MODIFIED", {"metadata": {"name": "other"}})
    granting.binding_seen("DELETED", {"metadata": {"name": "r", "namespace": "kz-acme", "labels": {}}})
    granting.binding_seen("DELETED", world.bindings[0])
    assert world.queued == ["g1", "g1"]
