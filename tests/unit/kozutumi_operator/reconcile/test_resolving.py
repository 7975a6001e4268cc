"""Who is looked at again when a plan or a claim on a host changes, and what a refused change leaves in place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kozutumi_operator.cluster.kinds import ORGANIZATION_PLAN
from kozutumi_operator.reconcile.organization import Reconciler
from kozutumi_operator.reconcile.resolving import Resolving
from operator_builders import settings
from operator_world import OperatorWorld

CREATED = "2026-01-01T00:00:00Z"


def plan(name: str, **rules: Any) -> dict[str, Any]:
    kind = {"apiVersion": ORGANIZATION_PLAN.api_version, "kind": ORGANIZATION_PLAN.name}
    return {**kind, "metadata": {"name": name, "resourceVersion": "1"}, "spec": rules}


def organization(name: str, named: str | None = None, *hosts: str, created: str = CREATED) -> dict[str, Any]:
    spec: dict[str, Any] = {"serviceCode": name, "residency": {"region": "ap-northeast-1"}}
    if named:
        spec["planRef"] = {"name": named}
    if hosts:
        spec["endpoint"] = {"hosts": list(hosts)}
    return {"metadata": {"name": name, "uid": name, "creationTimestamp": created}, "spec": spec}


@pytest.fixture
def added() -> list[str]:
    return []


@pytest.fixture
def resolving(added: list[str]) -> Resolving:
    result = Resolving(settings(), added.append)
    for each in (organization("named", "gold"), organization("other", "silver"), organization("free")):
        result.organization_seen(None, each)
    added.clear()
    return result


SILENT: list[str] = []
PLAN_EVENTS: dict[str, tuple[list[tuple[str | None, dict[str, Any]]], list[str]]] = {
    "a plan comes": ([("ADDED", plan("gold"))], ["named"]),
    "the same again": ([(None, plan("gold")), ("MODIFIED", plan("gold"))], ["named"]),
    "a plan changes": ([(None, plan("gold")), ("MODIFIED", plan("gold", defaults={}))], ["named", "named"]),
    "a plan goes": ([(None, plan("gold")), ("DELETED", plan("gold"))], ["named", "named"]),
    "a default comes": ([("ADDED", plan("usual", default=True))], ["free"]),
    "a default stops being one": (
        [(None, plan("usual", default=True)), ("MODIFIED", plan("usual", default=False))],
        ["free", "free"],
    ),
    "nobody uses it": ([("ADDED", plan("lead"))], SILENT),
}


@pytest.mark.parametrize("case", PLAN_EVENTS)
def test_a_plan_concerns_those_that_use_it(case: str, resolving: Resolving, added: list[str]) -> None:
    events, concerned = PLAN_EVENTS[case]
    for event_type, each in events:
        resolving.plan_seen(event_type, each)
    assert added == concerned


def test_a_released_host_is_offered_to_who_waits_for_it(resolving: Resolving, added: list[str]) -> None:
    resolving.organization_seen("ADDED", organization("first", None, "files.example.com"))
    young = organization("young", None, "files.example.com", created="2026-02-01T00:00:00Z")
    assert resolving.resolve(young).organization.hosts == ()
    added.clear()
    resolving.organization_seen("DELETED", organization("first", None, "files.example.com"))
    assert added == ["young"]
    assert resolving.resolve(young).refusal is None


async def settle(world: OperatorWorld, reconciler: Reconciler) -> None:
    for _ in range(40):
        before = len(world.cluster.log)
        await reconciler.look("acme")
        if len(world.cluster.log) == before:
            return
    raise AssertionError(world.cluster.log[-10:])


def stalled(world: OperatorWorld) -> tuple[str, str]:
    conditions = world.cluster.objects["Organization", "", "acme"]["status"]["conditions"]
    [found] = [each for each in conditions if each["type"] == "Stalled"]
    return found["status"], found["reason"]


def users(world: OperatorWorld) -> str:
    [container] = world.cluster.objects["Deployment", "kz-acme", "app"]["spec"]["template"]["spec"]["containers"]
    [variable] = [each for each in container["env"] if each["name"] == "KOZUTUMI_QUOTA_USERS"]
    return str(variable["value"])


async def test_a_refused_change_leaves_what_was_accepted_and_its_drift_is_repaired() -> None:
    world = OperatorWorld()
    world.organize(quota={"users": 7}, planRef={"name": "gold"})
    parts = world.parts()
    parts.resolving.plan_seen(None, plan("gold", ceilings={"quota": {"users": 10}}))
    reconciler = Reconciler(parts)
    await settle(world, reconciler)
    assert stalled(world) == ("False", "NotStalled")
    assert world.cluster.objects["Organization", "", "acme"]["status"]["plan"] == "gold"

    manifest = world.cluster.objects["Organization", "", "acme"]
    manifest["spec"]["quota"]["users"] = 11
    manifest["metadata"]["generation"] += 1
    policy = next(place for place in world.cluster.objects if place[0] == "NetworkPolicy")
    rules = world.cluster.objects.pop(policy)["spec"]
    await settle(world, reconciler)
    assert stalled(world) == ("True", "PlanCeilingExceeded")
    assert manifest["metadata"]["generation"] == status_of(world)["observedGeneration"]
    assert users(world) == "7"
    assert world.cluster.objects[policy]["spec"] == rules

    manifest["spec"]["suspend"] = True
    await settle(world, reconciler)
    assert world.cluster.objects["Deployment", "kz-acme", "app"]["spec"]["replicas"] == 0
    manifest["spec"]["suspend"] = False
    await settle(world, reconciler)

    del world.cluster.objects[policy]
    restarted = world.parts()
    restarted.resolving.plan_seen(None, plan("gold", ceilings={"quota": {"users": 10}}))
    await settle(world, Reconciler(restarted))
    assert world.cluster.objects[policy]["spec"] == rules, "also by an operator that was started anew"

    parts.resolving.plan_seen("MODIFIED", plan("gold", ceilings={"quota": {"users": 20}}))
    await settle(world, reconciler)
    assert stalled(world) == ("False", "NotStalled")
    assert users(world) == "11"
    assert json.loads(status_of(world)["accepted"])["quota"]["users"] == 11


def status_of(world: OperatorWorld) -> dict[str, Any]:
    found: dict[str, Any] = world.cluster.objects["Organization", "", "acme"]["status"]
    return found


async def test_of_a_manifest_that_was_never_accepted_nothing_is_made_and_it_goes_at_once() -> None:
    world = OperatorWorld()
    world.organize(planRef={"name": "gone"})
    reconciler = world.process()
    await settle(world, reconciler)
    assert stalled(world) == ("True", "PlanNotFound")
    assert not [place for place in world.cluster.objects if place[0] not in {"Organization", "Event"}]
    assert not world.cluster.objects["Organization", "", "acme"]["metadata"].get("finalizers")


async def test_what_was_refused_before_any_operator_kept_a_record_is_left_as_it_is() -> None:
    world = OperatorWorld()
    world.organize()
    await settle(world, world.process())
    del status_of(world)["accepted"]  # as an earlier release left it
    before = status_of(world)
    world.cluster.objects["Organization", "", "acme"]["spec"]["planRef"] = {"name": "gone"}
    world.cluster.log.clear()
    await settle(world, world.process())
    assert {entry.split()[1] for entry in world.cluster.log} <= {"Organization", "Event"}
    assert stalled(world) == ("True", "PlanNotFound")
    after = status_of(world)
    assert (after["url"], after["inventory"], after["encryption"]) == (
        before["url"],
        before["inventory"],
        before["encryption"],
    )
    assert {each["type"] for each in after["conditions"] if each["status"] == "False"} == {"Ready", "Reconciling"}


def standing(name: str, resolving: Resolving) -> dict[str, Any]:
    """An organization that uses plan gold, with its status as a look leaves it."""
    body = organization(name, "gold")
    body["metadata"] |= {"generation": 1, "finalizers": ["kozutumi.com/disposal"]}
    return resolve_and_note(body, resolving)


def resolve_and_note(body: dict[str, Any], resolving: Resolving) -> dict[str, Any]:
    resolving.resolve(body)
    status = {"observedGeneration": 1, "accepted": resolving.recorded(body["metadata"]["name"])}
    return {**body, "status": status}


def users_of(body: dict[str, Any], resolving: Resolving) -> int:
    return resolving.resolve(body).organization.quota_users


def test_a_changed_plan_reaches_one_organization_and_then_the_others(added: list[str]) -> None:
    resolving = Resolving(settings(), added.append)
    resolving.plan_seen(None, plan("gold", defaults={"quota": {"users": 5}}))
    bodies = [standing(name, resolving) for name in ("one", "two", "three")]
    changed = plan("gold", defaults={"quota": {"users": 6}})
    changed["metadata"]["generation"] = 2
    resolving.plan_seen("MODIFIED", changed)
    assert [users_of(each, resolving) for each in bodies] == [6, 5, 5]
    resolving.looked("one", healthy=False)
    assert [users_of(each, resolving) for each in bodies] == [6, 5, 5], "the first has broken: nobody follows"

    restarted = Resolving(settings(), added.append)
    restarted.plan_seen(None, changed)
    bodies[0] = resolve_and_note(bodies[0], resolving)
    assert [users_of(each, restarted) for each in bodies] == [6, 6, 5], "a new process tries one more"
    bodies[2] = {**bodies[2], "metadata": {**bodies[2]["metadata"], "generation": 2}}
    assert users_of(bodies[2], restarted) == 6, "a change of its own waits for nobody"

    added.clear()
    assert users_of(standing("late", resolving), resolving) == 6, "what is new takes the plan as it is"
    resolving.looked("one", healthy=True)
    assert set(added) == {"two", "three"}


def test_a_plan_s_change_that_changes_nothing_takes_no_turn(added: list[str]) -> None:
    resolving = Resolving(settings(), added.append)
    resolving.plan_seen(None, plan("gold", defaults={"quota": {"users": 5}}))
    bodies = [standing(name, resolving) for name in ("one", "two")]
    changed = plan("gold", defaults={"quota": {"users": 5}}, description="more of the same")
    changed["metadata"]["generation"] = 2
    resolving.plan_seen("MODIFIED", changed)
    assert [users_of(each, resolving) for each in bodies] == [5, 5]
    changed = plan("gold", defaults={"quota": {"users": 6}})
    changed["metadata"]["generation"] = 3
    resolving.plan_seen("MODIFIED", changed)
    assert [users_of(each, resolving) for each in bodies] == [6, 5]
