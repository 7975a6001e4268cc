"""RBAC for the components that Kubernetes has no built-in role for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_READ = ("get", "list", "watch")
_RBAC = "rbac.authorization.k8s.io"


def rule(group: str, resources: Sequence[str], verbs: Sequence[str] = _READ) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}


def cluster_role(name: str, rules: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": list(rules),
    }


def cluster_role_binding(name: str, role: str, subject: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [subject],
    }


def user(name: str) -> dict[str, str]:
    return {"apiGroup": _RBAC, "kind": "User", "name": name}


def service_account(namespace: str, name: str) -> dict[str, str]:
    return {"kind": "ServiceAccount", "namespace": namespace, "name": name}


def objects() -> list[dict[str, Any]]:
    firewall = "kozutumi:kube-router"
    kubelet_client = user("kube-apiserver-kubelet-client")
    return [
        cluster_role_binding("kozutumi:apiserver-to-kubelet", "system:kubelet-api-admin", kubelet_client),
        cluster_role(
            firewall,
            [
                rule("", ["namespaces", "pods", "services", "nodes", "endpoints"]),
                rule("networking.k8s.io", ["networkpolicies"]),
                rule("discovery.k8s.io", ["endpointslices"]),
            ],
        ),
        cluster_role_binding(firewall, firewall, user("kube-router")),
    ]
