"""The platform services' manifests: restricted pods, TLS everywhere, and only the paths of the network matrix."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kozutumi_cluster import images
from kozutumi_cluster.platform import mail, names, policies, product, seed, storage
from kozutumi_operator import platform as operator_platform

RANGES = ("10.244.0.0/16", "10.96.0.0/16")
IMAGES = {name: f"localhost/kozutumi-{name}:abc" for name in ("operator", "app", "scanner", "mirror", "smokescreen")}
SHIPPED = images.ROOT / "install"


def shipped() -> list[dict[str, Any]]:
    listed = yaml.safe_load((SHIPPED / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]
    files = [SHIPPED / name for name in listed if name.endswith(".yaml")]
    return [document for file in files for document in yaml.safe_load_all(file.read_text(encoding="utf-8"))]


def settings(node: str = "192.0.2.7") -> dict[str, str]:
    return product.settings(IMAGES, node, service_address="10.96.0.1", pod_range=RANGES[0], service_range=RANGES[1])


def deployments() -> list[dict[str, Any]]:
    serials = {names.MIRROR: "1f"}
    documents = [
        *storage.objects("localhost/kozutumi-versitygw:abc", "2f"),
        *mail.objects("localhost/kozutumi-mailpit:abc", "3f"),
        *product.adapt(shipped(), IMAGES, settings(), serials),
    ]
    return [document for document in documents if document["kind"] == "Deployment"]


def containers(deployment: dict[str, Any]) -> Iterator[dict[str, Any]]:
    pod = deployment["spec"]["template"]["spec"]
    yield from pod.get("initContainers", [])
    yield from pod["containers"]


def name_of(deployment: dict[str, Any]) -> str:
    return str(deployment["metadata"]["name"])


@pytest.mark.parametrize("deployment", deployments(), ids=name_of)
def test_every_pod_is_restricted_and_reads_only(deployment: dict[str, Any]) -> None:
    pod = deployment["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 65532
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in containers(deployment):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]


@pytest.mark.parametrize("deployment", deployments(), ids=name_of)
def test_every_image_is_one_that_was_loaded(deployment: dict[str, Any]) -> None:
    for container in containers(deployment):
        assert container["image"].startswith("localhost/kozutumi-")
        assert container["image"].endswith(":abc")
        assert container["imagePullPolicy"] == "IfNotPresent"


@pytest.mark.parametrize("deployment", deployments(), ids=name_of)
def test_only_the_operator_gets_a_kubernetes_token(deployment: dict[str, Any]) -> None:
    token = deployment["spec"]["template"]["spec"]["automountServiceAccountToken"]
    assert token is (name_of(deployment) == "kozutumi-operator")


def test_no_secret_is_an_argument_and_every_door_has_its_certificate() -> None:
    store = next(entry for entry in deployments() if name_of(entry) == names.S3)
    for container in containers(store):
        assert {"--cert", "--key"} <= set(container["args"])
        assert not any("ROOT" in word or "secret" in word.lower() for word in container["args"])
        assert all("secretKeyRef" in entry["valueFrom"] for entry in container["env"])
    (mailpit,) = containers(next(entry for entry in deployments() if name_of(entry) == names.MAILPIT))
    assert "--smtp-require-starttls" in mailpit["args"]
    assert any(word.startswith("--ui-tls-cert=") for word in mailpit["args"])


def test_a_new_certificate_or_setting_replaces_the_pods_that_read_it() -> None:
    first = product.adapt(shipped(), IMAGES, settings(), {names.MIRROR: "1f"})
    second = product.adapt(shipped(), IMAGES, settings("192.0.2.8"), {names.MIRROR: "2f"})
    changed = [
        name_of(before)
        for before, after in zip(first, second, strict=True)
        if before["kind"] == "Deployment" and before["spec"]["template"] != after["spec"]["template"]
    ]
    assert changed == [names.MIRROR, "kozutumi-operator"]


def test_the_operator_understands_the_settings_it_is_given() -> None:
    understood = operator_platform.from_environment(settings())
    assert understood.storage_selector.namespace == names.STORAGE
    assert understood.smtp_tls == "starttls"
    assert understood.node_cidrs == ("192.0.2.7/32",)
    assert understood.image_probe == IMAGES["operator"]
    assert understood.cluster_ranges() == (*RANGES, "192.0.2.7/32")


def test_the_settings_of_every_port_and_name_match_what_is_served() -> None:
    given = operator_platform.from_environment(settings())
    ports = {
        (document["metadata"]["name"], port["port"])
        for document in [*storage.objects("i", "s"), *mail.objects("i", "s"), *shipped()]
        if document["kind"] == "Service"
        for port in document["spec"]["ports"]
    }
    assert {("s3", given.s3_port), ("s3", given.iam_port), ("smtp", given.smtp_port)} <= ports
    assert ("signature-mirror", given.mirror_port) in ports


def by_name(documents: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {f"{entry['metadata']['namespace']}/{entry['metadata']['name']}": entry["spec"] for entry in documents}


POLICIES = by_name(
    [
        *policies.objects("192.0.2.7", 6443, RANGES),
        *(document for document in shipped() if document["kind"] == "NetworkPolicy"),
    ]
)


@pytest.mark.parametrize("namespace", [names.STORAGE, names.MAIL, names.SYSTEM])
def test_what_no_policy_allows_is_denied_both_ways(namespace: str) -> None:
    denied = POLICIES[f"{namespace}/deny-all"]
    assert denied == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.parametrize(
    ("policy", "component", "ports"),
    [
        ("kozutumi-storage/from-apps", "app", [7070]),
        ("kozutumi-storage/from-operator", "operator", [7070, 7071]),
        ("kozutumi-mail/from-apps", "app", [1025]),
        ("kozutumi-system/signature-mirror", "scanner", [8443]),
    ],
)
def test_a_service_is_open_to_one_kind_of_pod_on_its_ports(policy: str, component: str, ports: list[int]) -> None:
    (rule,) = POLICIES[policy]["ingress"]
    (peer,) = rule["from"]
    # Both selectors in one peer: pods of that kind in those namespaces; in two peers they would be "or".
    assert set(peer) == {"namespaceSelector", "podSelector"}
    assert peer["podSelector"] == {"matchLabels": {"app.kubernetes.io/component": component}}
    assert [port["port"] for port in rule["ports"]] == ports


def test_the_inbox_is_open_to_no_pod() -> None:
    (rule,) = POLICIES["kozutumi-mail/from-outside"]["ingress"]
    assert rule == {
        "from": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": list(RANGES)}}],
        "ports": [{"protocol": "TCP", "port": 8025}],
    }


def test_nothing_else_may_be_reached() -> None:
    allowed = [name for name, spec in POLICIES.items() if "ingress" in spec]
    assert len(allowed) == 7
    [reports] = POLICIES["kozutumi-system/operator-reports"]["ingress"]
    assert reports == {
        "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": names.MAIL}}}],
        "ports": [{"protocol": "TCP", "port": 9445}],
    }
    [metrics] = POLICIES["kozutumi-system/operator"]["ingress"]
    assert metrics == {
        "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": names.MONITORING}}}],
        "ports": [{"protocol": "TCP", "port": 9444}],
    }
    leaving = [name for name, spec in POLICIES.items() if "egress" in spec]
    assert leaving == ["kozutumi-system/operator-to-platform", "kozutumi-system/operator"]


def test_the_seed_is_in_the_format_of_extended_signatures() -> None:
    lines = seed.config_map()["data"]["development.ndb"].splitlines()
    for line, marker in zip(lines, seed.MARKERS.values(), strict=True):
        _, target, offset, pattern = line.split(":")
        assert (target, offset) == ("0", "*")
        assert bytes.fromhex(pattern) == marker


def test_no_manifest_holds_a_machine_of_ours(tmp_path: Path) -> None:
    assert str(tmp_path.home()) not in json.dumps(shipped())
