"""An organization moves from one type of endpoint to another, and its public certificate comes from others."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import endpoint_builders as endpoints
from endpoint_builders import given, tls_secret
from fake_cluster import FakeCluster
from kozutumi_operator.cluster.kinds import OPTIONAL, WATCHED
from kozutumi_operator.manifests import names
from kozutumi_operator.manifests.secret import entries
from kozutumi_operator.reconcile.effects import Effect
from kozutumi_operator.reconcile.next_look import NEXT_LOOK
from operator_world import NOW, OperatorWorld, surviving

CODE, NAMESPACE = "acme", "kz-acme"
ENOUGH = 40
OF_TYPE = {
    "NodePort": set(),
    "LoadBalancer": set(),
    "HTTPRoute": {"HTTPRoute", "BackendTLSPolicy"},
    "Ingress": {"Ingress"},
}
_MADE: list[OperatorWorld] = []


async def settle(world: OperatorWorld) -> float | None:
    reconciler, after = world.process(), None
    for _ in range(ENOUGH):
        before = len(world.cluster.log)
        after = await reconciler.look(CODE)
        if len(world.cluster.log) == before:
            return after
    raise AssertionError(world.cluster.log[-10:])


async def created(**changes: str) -> OperatorWorld:
    """A Ready organization with a NodePort, where every type is offered."""
    if not _MADE:
        world = OperatorWorld(cluster=FakeCluster(kinds=(*WATCHED, *OPTIONAL)), platform=endpoints.platform())
        world.organize(endpoint={"type": "NodePort"})
        await settle(world)
        _MADE.append(world)
    world = copy.deepcopy(_MADE[0])
    world.platform = endpoints.platform(**changes)
    return world


def ask(world: OperatorWorld, **endpoint: Any) -> None:
    body = world.cluster.objects["Organization", "", CODE]
    body["spec"]["endpoint"] = endpoint
    body["metadata"]["generation"] += 1


def told(world: OperatorWorld) -> list[str]:
    """Events about repairs."""
    found = [each for place, each in world.cluster.objects.items() if place[0] == "Event"]
    return [str(each["note"]) for each in found if each["reason"] == "Repaired"]


def condition(world: OperatorWorld, kind: str) -> tuple[str, str]:
    conditions = world.cluster.objects["Organization", "", CODE]["status"]["conditions"]
    found = next(each for each in conditions if each["type"] == kind)
    return found["status"], found["reason"]


def kinds_of(world: OperatorWorld) -> set[str]:
    found = {place[0] for place in world.cluster.objects if place[1] == NAMESPACE}
    return found & {"HTTPRoute", "BackendTLSPolicy", "ListenerSet", "Ingress", "Certificate"}


def served(world: OperatorWorld) -> bytes:
    return entries(world.cluster.objects["Secret", NAMESPACE, names.APP_PUBLIC_TLS])[names.CERTIFICATE]


def store(world: OperatorWorld, name: str, *hosts: str) -> bytes:
    pair = given(*hosts, now=NOW)
    made = tls_secret(name, pair)
    made["metadata"] |= {"uid": name, "resourceVersion": "1"}
    world.cluster.objects["Secret", NAMESPACE, name] = made
    return pair.certificate


@pytest.mark.parametrize("first", OF_TYPE)
@pytest.mark.parametrize("second", OF_TYPE)
async def test_switching_the_type_takes_away_what_the_other_needed(first: str, second: str) -> None:
    world = await created()
    for kind in (first, second):
        ask(world, type=kind)
        await settle(world)
        assert kinds_of(world) == OF_TYPE[kind]
        type_ = world.cluster.objects["Service", NAMESPACE, "app-public"]["spec"]["type"]
        assert type_ == (kind if kind in {"NodePort", "LoadBalancer"} else "ClusterIP")
    assert ("Secret", NAMESPACE, names.APP_BACKEND_TLS) in world.cluster.objects or second not in {
        "HTTPRoute",
        "Ingress",
    }
    assert condition(world, "Stalled") == ("False", "NotStalled")
    assert told(world) == []


async def test_a_route_that_somebody_turns_elsewhere_is_repaired_and_told() -> None:
    world = await created()
    ask(world, type="HTTPRoute")
    await settle(world)
    route = world.cluster.objects["HTTPRoute", NAMESPACE, "app-public"]
    route["spec"]["hostnames"] = ["stolen.example"]
    del route["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:hostnames"]
    await settle(world)
    assert world.cluster.objects["HTTPRoute", NAMESPACE, "app-public"]["spec"]["hostnames"] == ["acme.kozutumi.test"]
    assert [each.split(":")[0] for each in told(world)] == ["HTTPRoute app-public"]


@pytest.mark.parametrize(
    ("effect", "endpoint", "changes"),
    [
        (Effect.APPLY_INGRESS, {"type": "Ingress"}, {}),
        (Effect.APPLY_HTTP_ROUTE, {"type": "HTTPRoute"}, {}),
        (Effect.APPLY_BACKEND_TLS_POLICY, {"type": "HTTPRoute"}, {}),
        (Effect.APPLY_LISTENER_SET, {"type": "HTTPRoute"}, {"KOZUTUMI_GATEWAY_LISTENERS": "ListenerSet"}),
        (Effect.APPLY_CERTIFICATE, {"type": "NodePort", "tls": {"issuerRef": {"name": "public"}}}, {}),
        (Effect.DELETE_EXTRA, {"type": "NodePort"}, {}),
    ],
)
async def test_killed_after_each_of_its_side_effects_it_ends_the_same(
    effect: Effect, endpoint: dict[str, Any], changes: dict[str, str]
) -> None:
    plain = await created(**changes)
    if effect is Effect.DELETE_EXTRA:
        ask(plain, type="HTTPRoute")
        await settle(plain)
    world = copy.deepcopy(plain)
    for each in (plain, world):
        ask(each, **endpoint)
    await settle(plain)
    reconciler = world.process(crash_after=effect)
    world.performed.clear()
    for _ in range(ENOUGH):
        await surviving(lambda: reconciler.look(CODE))
        if effect in world.performed:
            break
    assert effect in world.performed
    await settle(world)
    assert {each for each in plain.cluster.objects if each[0] != "Event"} == {
        each for each in world.cluster.objects if each[0] != "Event"
    }


async def test_a_cluster_without_the_kinds_says_so_and_keeps_what_it_has() -> None:
    world = await created()
    world.cluster.kinds = WATCHED
    ask(world, type="HTTPRoute")
    before = {place for place in world.cluster.objects if place[0] != "Event"}
    await settle(world)
    assert condition(world, "Stalled") == ("True", "EndpointUnsupported")
    assert {place for place in world.cluster.objects if place[0] != "Event"} == before
    del world.cluster.objects["NetworkPolicy", NAMESPACE, "default-deny"]
    await settle(world)
    assert {place for place in world.cluster.objects if place[0] != "Event"} == before


async def test_a_given_certificate_is_served_replaced_and_never_lost() -> None:
    world = await created()
    ask(world, type="NodePort", tls={"secretRef": {"name": "given"}})
    last_good = served(world)
    await settle(world)
    assert condition(world, "CertificateReady") == ("False", "CertificateSecretMissing")
    assert served(world) == last_good
    host = "acme.kozutumi.test"
    first = store(world, "given", host)
    await settle(world)
    assert (served(world), condition(world, "CertificateReady")) == (first, ("True", "CertificatesValid"))
    deployment = copy.deepcopy(world.cluster.objects["Deployment", NAMESPACE, "app"]["spec"])
    store(world, "given", "another.example")
    await settle(world)
    assert (served(world), condition(world, "CertificateReady")) == (first, ("False", "CertificateHostsMissing"))
    second = store(world, "given", host)
    await settle(world)
    assert (served(world), condition(world, "CertificateReady")) == (second, ("True", "CertificatesValid"))
    assert world.cluster.objects["Deployment", NAMESPACE, "app"]["spec"] == deployment


async def test_what_an_issuer_fills_is_served_and_goes_with_the_issuer() -> None:
    world = await created()
    ask(world, type="NodePort", tls={"issuerRef": {"name": "public"}})
    await settle(world)
    assert (kinds_of(world), condition(world, "CertificateReady")) == ({"Certificate"}, ("False", "CertificateIssuing"))
    issued = store(world, names.ISSUED_TLS, "acme.kozutumi.test")
    await settle(world)
    assert (served(world), condition(world, "CertificateReady")) == (issued, ("True", "CertificatesValid"))
    ask(world, type="NodePort")
    await settle(world)
    assert kinds_of(world) == set()
    assert served(world) != issued


async def test_nothing_ends_between_two_looks() -> None:
    """A certificate of one hour is looked at again when it is due, not a day later."""
    world = await created()
    assert await settle(world) == NEXT_LOOK
    ask(world, type="NodePort", tls={"secretRef": {"name": "given"}})
    made = tls_secret("given", given("acme.kozutumi.test", now=NOW - (endpoints.LIFE * 2 / 3 - endpoints.HOUR)))
    made["metadata"] |= {"uid": "given", "resourceVersion": "1"}
    world.cluster.objects["Secret", NAMESPACE, "given"] = made
    after = await settle(world)
    assert after is not None
    assert 3000 < after < 3700


async def test_a_route_that_no_gateway_takes_is_told() -> None:
    world = await created()
    ask(world, type="HTTPRoute")
    await settle(world)
    assert condition(world, "AppReady") == ("False", "EndpointPending")
    told = {"conditions": [{"type": "Accepted", "status": "True"}, {"type": "ResolvedRefs", "status": "True"}]}
    world.cluster.objects["HTTPRoute", NAMESPACE, "app-public"]["status"] = {"parents": [told]}
    world.cluster.objects["BackendTLSPolicy", NAMESPACE, "app-public"]["status"] = {"ancestors": [told]}
    await settle(world)
    assert condition(world, "Ready") == ("True", "AsSpecified")
