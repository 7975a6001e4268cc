"""Break-glass access: asked for by one person, approved by another, in the organization's audit log, over in time."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from e2e_world import AOI, KAEDE, World, wait_until
from kozutumi_cluster.demo.public import Public
from kozutumi_cluster.errors import ClusterError
from kozutumi_contract import labels

NAMESPACE = labels.namespace(AOI)
HANAKO, TARO = "hanako@provider.example", "taro@provider.example"
SRE = ("--as", HANAKO)
NEVER = [
    *(
        ("get", "secrets"),
        ("list", "secrets"),
        ("get", "configmaps"),
        ("create", "pods/exec"),
        ("create", "pods/attach"),
    ),
    *(("create", "pods/portforward"), ("patch", "pods"), ("update", "pods"), ("patch", "pods/ephemeralcontainers")),
    *(("patch", "deployments"), ("update", "deployments"), ("create", "pods"), ("create", "serviceaccounts/token")),
    *(("create", "rolebindings"), ("patch", "networkpolicies"), ("delete", "persistentvolumeclaims")),
]


@pytest.fixture(scope="module", autouse=True)
def people(world: World) -> Iterator[None]:
    """Two people with the provider's day-to-day role."""
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "test-grants"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "kozutumi-sre"},
        "subjects": [{"kind": "User", "name": name} for name in (HANAKO, TARO)],
    }
    world.kubectl.apply(binding)
    yield
    world.kubectl("delete", "clusterrolebinding", "test-grants")


@pytest.fixture
def name(world: World) -> Iterator[str]:
    grant = f"t-{secrets.token_hex(4)}"
    yield grant
    world.kubectl("delete", "accessgrant", grant, "--ignore-not-found", "--timeout=180s")


def ask(world: World, name: str, *, as_: str = HANAKO, **spec: Any) -> None:
    wanted = {
        "requestedBy": HANAKO,
        "subject": HANAKO,
        "organization": AOI,
        "role": "Diagnose",
        "reason": "an upload hangs",
        "ticket": "INC-42",
        "duration": "1h",
    }
    manifest = {
        "apiVersion": "kozutumi.com/v1alpha1",
        "kind": "AccessGrant",
        "metadata": {"name": name},
        "spec": wanted | spec,
    }
    world.kubectl("create", "--as", as_, "-f", "-", stdin=json.dumps(manifest))


def approve(world: World, name: str, *, as_: str = TARO, by: str | None = None) -> None:
    patch = json.dumps({"spec": {"approvedBy": by or as_}})
    world.kubectl("patch", "accessgrant", name, "--as", as_, "--type=merge", "-p", patch)


def wait_phase(world: World, name: str, phase: str) -> dict[str, Any]:
    def status() -> dict[str, Any]:
        found: dict[str, Any] = world.kubectl.json("get", "accessgrant", name).get("status", {})
        return found

    wait_until(f"grant {name} becoming {phase}", lambda: status().get("phase") == phase, seconds=90)
    return status()


def may(world: World, verb: str, resource: str, *, namespace: str = NAMESPACE) -> bool:
    kind, _, part = resource.partition("/")
    subresource = (f"--subresource={part}",) if part else ()
    try:
        return world.kubectl("auth", "can-i", verb, kind, *subresource, "-n", namespace, *SRE).strip() == "yes"
    except ClusterError:  # its way of saying no
        return False


@pytest.fixture(scope="module")
def administrator(world: World) -> Iterator[Public]:
    with world.administrator(AOI) as signed_in:
        yield signed_in


def audited(administrator: Public, grant: str) -> list[str]:
    events = administrator.json("GET", "/api/v1/audit?type=grant.")["events"]
    return [each["type"] for each in reversed(events) if (each["details"] or {}).get("grant") == grant]


def test_approved_by_another_it_gives_what_it_says_and_is_told_to_the_organization(
    world: World, administrator: Public, name: str
) -> None:
    ask(world, name, role="Operate")
    assert not may(world, "get", "pods/log")
    approve(world, name)
    status = wait_phase(world, name, "Active")
    assert status["auditedAt"] <= status["activeAt"]
    wait_until("the access", lambda: may(world, "get", "pods/log"), seconds=20)
    assert may(world, "delete", "pods")
    assert may(world, "update", "deployments/scale")
    assert world.kubectl("logs", "-n", NAMESPACE, "deployment/app", "--tail=1", *SRE)
    assert [what for what in NEVER if may(world, *what)] == []
    assert not may(world, "get", "pods/log", namespace=labels.namespace(KAEDE))
    assert audited(administrator, name) == ["grant.opened"]
    world.kubectl("delete", "accessgrant", name, "--timeout=180s", *SRE)
    wait_until("the access being taken back", lambda: not may(world, "delete", "pods"), seconds=20)
    assert audited(administrator, name) == ["grant.opened", "grant.closed"]


def test_it_ends_by_itself(world: World, administrator: Public, name: str) -> None:
    ask(world, name, duration="60s")  # from its approval: the log is told, then the access is given, then we look
    approve(world, name)
    wait_phase(world, name, "Active")
    wait_phase(world, name, "Expired")
    ended = ("accessgrant", name, "-o", "jsonpath={.status.conditions[0].reason}")
    wait_until("its end being told", lambda: world.kubectl("get", *ended) == "Expired", seconds=60)
    found = world.kubectl("get", "rolebindings", "-n", NAMESPACE, "-l", f"{labels.ACCESS_GRANT}={name}", "-o", "name")
    assert found.strip() == ""
    assert audited(administrator, name) == ["grant.opened", "grant.closed"]


def test_admission_knows_who_is_asking(world: World, name: str) -> None:
    with pytest.raises(ClusterError, match="requestedBy must be you"):
        ask(world, name, as_=TARO)
    with pytest.raises(ClusterError, match="approved by an update"):
        ask(world, name, approvedBy=TARO)
    with pytest.raises(ClusterError, match="at most 8h"):
        ask(world, name, duration="9h")
    with pytest.raises(ClusterError, match="for a person"):
        ask(world, name, subject="system:serviceaccount:kz-aoi-law:app")
    ask(world, name)
    with pytest.raises(ClusterError, match="cannot approve"):
        approve(world, name, as_=HANAKO)
    with pytest.raises(ClusterError, match="approvedBy must be you"):
        approve(world, name, as_=HANAKO, by=TARO)
    with pytest.raises(ClusterError, match="approved as it was asked for"):
        world.kubectl("patch", "accessgrant", name, "--as", TARO, "--type=merge", "-p", '{"spec": {"role": "Operate"}}')
    with pytest.raises(ClusterError, match="finalizer"):
        world.kubectl(
            "patch", "accessgrant", name, "--as", TARO, "--type=merge", "-p", '{"metadata": {"finalizers": ["a.b/c"]}}'
        )
    with pytest.raises(ClusterError, match=r"orbidden"):
        world.kubectl(
            "patch",
            "accessgrant",
            name,
            *SRE,
            "--subresource=status",
            "--type=merge",
            "-p",
            '{"status": {"phase": "Active"}}',
        )
    assert "status" not in world.kubectl.json("get", "accessgrant", name) or not may(world, "get", "pods/log")
