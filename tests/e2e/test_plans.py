"""The definition teaches and refuses; a plan fills in, bounds and rolls through; a host has one owner."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

import definitions
from e2e_world import World, wait_until
from kozutumi_cluster.demo import organizations
from kozutumi_cluster.errors import ClusterError

CONTRADICTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "two signers of one certificate": (
        {"endpoint": {"tls": {"issuerRef": {"name": "a"}, "secretRef": {"name": "b"}}}},
        "issuerRef or secretRef",
    ),
    "a Gateway for an Ingress": (
        {"endpoint": {"type": "Ingress", "parentRef": {"name": "a", "namespace": "b"}}},
        "HTTPRoute",
    ),
    "two replicas on SQLite": ({"app": {"replicas": 2}}, "SQLite"),
    "PostgreSQL without its Secret": ({"database": {"type": "PostgreSQL"}}, "secretRef"),
    "a time to retain without Retain": ({"retainFor": "48h"}, "Retain"),
    "a hold without a reason": ({"legalHold": {}}, "reason"),
    "egress to nowhere": ({"network": {"extraEgress": [{"port": 443}]}}, "host or cidr"),
    "a rotation every minute": ({"encryption": {"rotationPeriod": "1m"}}, "17520h"),
    "an issuer in the clear": (
        {"authentication": {"oidc": {"issuer": "http://a.example", "clientId": "k", "secretRef": {"name": "s"}}}},
        "https",
    ),
    "a backup kept but never made": ({"backup": {"retention": "48h"}}, "schedule"),
}


def try_out(world: World, **spec: Any) -> dict[str, Any]:
    """What the API server would store; nothing is."""
    manifest = organizations.manifest("t-tried", "試験", "Tried", **spec)
    words = ("apply", "--dry-run=server", "-o", "json", "-f", "-")
    stored: dict[str, Any] = json.loads(world.kubectl(*words, stdin=json.dumps(manifest)))
    return stored


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_a_contradiction_is_refused_with_what_to_write(world: World, case: str) -> None:
    spec, named = CONTRADICTIONS[case]
    with pytest.raises(ClusterError, match=named):
        try_out(world, **spec)


def test_every_example_is_one(world: World) -> None:
    examples = definitions.examples(definitions.spec_fields("organizations"))
    del examples["endpoint"]["tls"]["secretRef"], examples["endpoint"]["ingressClassName"]
    del examples["database"]["secretRef"], examples["serviceCode"]
    assert try_out(world, **examples)["spec"]["transfer"] == examples["transfer"]
    plan = definitions.examples(definitions.spec_fields("organizationplans"))
    del plan["defaults"]["endpoint"]["tls"]["secretRef"], plan["defaults"]["endpoint"]["ingressClassName"]
    manifest = plan_of("t-tried", **plan)
    world.kubectl("apply", "--dry-run=server", "-f", "-", stdin=json.dumps(manifest))


def test_the_api_server_fills_in_nothing_where_a_plan_has_a_say(world: World) -> None:
    stored = try_out(world)["spec"]
    assert set(stored) == set(organizations.AOI["spec"]) | {"suspend", "deletionPolicy", "database"}


def test_explain_teaches(world: World) -> None:
    for field in ("quota.maxFileSize", "deletionPolicy"):
        explained = " ".join(world.kubectl("explain", f"organization.spec.{field}").split())
        assert "Default:" in explained
        assert "Example:" in explained


def test_the_database_never_changes(world: World) -> None:
    change = {"spec": {"database": {"type": "PostgreSQL", "secretRef": {"name": "database"}}}}
    with pytest.raises(ClusterError, match=r"database\.type cannot be changed"):
        world.patch("organization", organizations.AOI["metadata"]["name"], "--dry-run=server", patch=change)


def plan_of(name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "kozutumi.com/v1alpha1",
        "kind": "OrganizationPlan",
        "metadata": {"name": name},
        "spec": spec,
    }


@pytest.fixture
def plan(world: World, spare: str) -> Iterator[str]:
    rules = {"defaults": {"quota": {"users": 7}}, "ceilings": {"quota": {"users": 10}}}
    world.kubectl.apply(plan_of(spare, **rules))
    yield spare
    world.kubectl("delete", "organizationplan", spare)


@pytest.fixture
def holder(world: World) -> Iterator[str]:
    """An older organization that claims a host, and is never made: its plan does not exist."""
    code = world.fresh_code().replace("t-", "h-")  # where both were created in one second, the first by name is older
    world.create(code, planRef={"name": f"{code}-none"}, endpoint={"hosts": [f"files.{code}.example"]})
    yield code
    if world.kubectl.exists("organization", code):
        give_up(world, code)


def give_up(world: World, code: str) -> None:
    world.confirm_deletion(code)
    world.kubectl("delete", "organization", code, "--timeout=180s")


def users(world: World, code: str) -> str:
    deployment = world.kubectl.json("get", "deployment", "-n", f"kz-{code}", "app")
    environment = deployment["spec"]["template"]["spec"]["containers"][0]["env"]
    return next(str(each["value"]) for each in environment if each["name"] == "KOZUTUMI_QUOTA_USERS")


def stalled(world: World, code: str, reason: str) -> str:
    """The message, once it is Stalled for `reason`."""
    wait_until(
        f"{code} Stalled/{reason}", lambda: world.kubectl.condition(code, "Stalled").get("reason") == reason, seconds=30
    )
    return str(world.kubectl.condition(code, "Stalled")["message"])


def not_stalled(world: World, code: str) -> None:
    world.kubectl("wait", f"organization/{code}", "--for=condition=Stalled=False", "--timeout=180s")


def test_a_plan_from_end_to_end(world: World, holder: str, plan: str) -> None:
    code = plan
    assert f"{holder}-none" in stalled(world, holder, "PlanNotFound")
    assert not world.kubectl.exists("namespace", f"kz-{holder}")

    # Suspended, it has every object and no pod: what a plan says is seen in the Deployment.
    world.create(code, planRef={"name": plan}, quota={"storage": "1Gi"}, suspend=True)
    wait_until("the Deployment", lambda: world.kubectl.exists("deployment", "-n", f"kz-{code}", "app"), seconds=120)
    assert users(world, code) == "7"
    wait_until("Suspended", lambda: world.kubectl.condition(code, "Ready").get("reason") == "Suspended", seconds=30)
    header, line = world.kubectl("get", "org", code, "-o", "wide").splitlines()
    assert header.split()[:8] == ["NAME", "READY", "PLAN", "NAMESPACE", "URL", "SIGNATURES", "BACKUP", "AGE"]
    assert line.split()[:4] == [code, "False", plan, f"kz-{code}"]

    world.patch("organizationplan", plan, patch={"spec": {"defaults": {"quota": {"users": 9}}}})
    wait_until("the plan's change in the Deployment", lambda: users(world, code) == "9", seconds=30)

    world.patch("organization", code, patch={"spec": {"quota": {"users": 11}}})
    message = stalled(world, code, "PlanCeilingExceeded")
    assert "spec.quota.users is 11" in message
    assert "at most 10" in message
    assert users(world, code) == "9"
    world.patch("organizationplan", plan, patch={"spec": {"ceilings": {"quota": {"users": 20}}}})
    wait_until("the raised ceiling", lambda: users(world, code) == "11", seconds=30)
    not_stalled(world, code)

    host = f"files.{holder}.example"
    world.patch("organization", code, patch={"spec": {"endpoint": {"hosts": [f"files.{code}.example", host]}}})
    assert f"{host} belongs to organization {holder}" in stalled(world, code, "HostConflict")
    give_up(world, holder)
    not_stalled(world, code)
    assert f"files.{code}.example" in world.kubectl.json("get", "organization", code)["status"]["url"]
