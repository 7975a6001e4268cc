from __future__ import annotations

import json
import tomllib
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from kozutumi_cluster.components import Component, Node, all_components, apiserver, config_files, containerd, kubelet
from kozutumi_cluster.layout import Layout

NODE = Node(Layout("t2", Path("/state/clusters")), IPv4Address("10.89.7.2"), Path("/bin-cache"))


def flags(name: str) -> dict[str, str]:
    component = next(found for found in all_components(NODE) if found.name == name)
    return dict(word.removeprefix("--").split("=", 1) for word in component.argv[1:] if "=" in word)


def test_the_api_server_admits_nobody_unnamed_and_no_node_beyond_its_own() -> None:
    found = flags("kube-apiserver")
    assert found["anonymous-auth"] == "false"
    assert found["authorization-mode"] == "Node,RBAC"
    assert "NodeRestriction" in found["enable-admission-plugins"]


def test_etcd_asks_for_certificates_and_listens_on_loopback_only() -> None:
    found = flags("etcd")
    assert found["client-cert-auth"] == found["peer-client-cert-auth"] == "true"
    assert found["listen-client-urls"].startswith("https://127.0.0.1:")
    assert found["listen-peer-urls"].startswith("https://127.0.0.1:")


def test_a_new_pod_is_closed_until_its_rules_are_there() -> None:
    assert flags("kube-router")["netpol-default-deny"] == "true"
    assert flags("kube-controller-manager")["allocate-node-cidrs"] == "true"


def test_the_controller_manager_gives_pods_the_root_certificate() -> None:
    assert flags("kube-controller-manager")["root-ca-file"] == NODE.certificate("ca")


def test_the_audit_log_has_every_request_and_no_body() -> None:
    policy = apiserver.audit_policy()
    assert policy["rules"] == [{"level": "Metadata"}]


def test_secrets_are_encrypted_and_have_no_plain_provider() -> None:
    text = json.dumps(apiserver.encryption(bytes(32)))
    assert "secretbox" in text
    assert "identity" not in text


def test_the_kubelet_refuses_strangers_and_keeps_images_that_cannot_be_pulled_again() -> None:
    config = json.loads(config_files(NODE)[kubelet.CONFIG])
    assert config["authentication"]["anonymous"] == {"enabled": False}
    assert config["authorization"] == {"mode": "Webhook"}
    assert config["readOnlyPort"] == 0
    assert config["imageGCHighThresholdPercent"] == 100
    assert config["cgroupRoot"] == "/kozutumi-t2"


def test_containerd_is_configured_in_version_3_with_everything_under_the_state_folder() -> None:
    config = tomllib.loads(config_files(NODE)[containerd.CONFIG])
    assert config["version"] == 3
    assert config["root"] == "/state/clusters/t2/containerd"
    runtime = config["plugins"]["io.containerd.cri.v1.runtime"]
    assert runtime["restrict_oom_score_adj"] is True
    assert runtime["cni"]["conf_dir"] == "/state/clusters/t2/config/cni"


def test_no_secret_is_in_a_command_line() -> None:
    words = [word for component in all_components(NODE) for word in component.argv]
    assert not [word for word in words if "token" in word or "password" in word or "BEGIN" in word]


@pytest.mark.parametrize("component", all_components(NODE), ids=lambda component: component.name)
def test_a_component_survives_the_way_to_the_supervisor(component: Component) -> None:
    assert Component.from_json(json.loads(json.dumps(component.to_json()))) == component


def test_the_kubelet_waits_for_its_runtime_and_the_api_server() -> None:
    gates = next(found.gates for found in all_components(NODE) if found.name == "kubelet")
    assert gates == ("unix:/run/containerd/containerd.sock", "tcp:10.89.7.2:6443")
