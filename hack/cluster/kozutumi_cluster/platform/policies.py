"""Who may talk to the platform services. Everything else is denied, towards them and from them."""

from __future__ import annotations

from typing import Any, Final

from kozutumi_cluster.platform import names
from kozutumi_contract import labels

_NAMESPACE_NAME: Final = "kubernetes.io/metadata.name"


def objects(node_address: str, api_port: int, cluster_ranges: tuple[str, ...]) -> list[dict[str, Any]]:
    app, operator = tenant("app"), system("operator")
    return [
        deny_all(names.STORAGE),
        ingress("from-apps", names.STORAGE, names.S3, [app], [names.S3_PORT]),
        ingress("from-operator", names.STORAGE, names.S3, [operator], [names.S3_PORT, names.IAM_PORT]),
        deny_all(names.MAIL),
        ingress("from-apps", names.MAIL, names.MAILPIT, [app], [names.SMTP_PORT]),
        ingress("from-outside", names.MAIL, names.MAILPIT, [outside(cluster_ranges)], [names.INBOX_PORT]),
        _operator_egress(node_address, api_port),
        _reports(),
    ]


def deny_all(namespace: str) -> dict[str, Any]:
    return _policy("deny-all", namespace, {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]})


def ingress(name: str, namespace: str, to: str, peers: list[dict[str, Any]], ports: list[int]) -> dict[str, Any]:
    rule = {"from": peers, "ports": [_tcp(port) for port in ports]}
    spec = {"podSelector": {"matchLabels": {names.NAME: to}}, "policyTypes": ["Ingress"], "ingress": [rule]}
    return _policy(name, namespace, spec)


def tenant(component: str) -> dict[str, Any]:
    """Pods of one component in every organization's namespace."""
    return {
        "namespaceSelector": {"matchExpressions": [{"key": labels.SERVICE_CODE, "operator": "Exists"}]},
        "podSelector": {"matchLabels": {labels.COMPONENT: component}},
    }


def system(component: str) -> dict[str, Any]:
    return {
        "namespaceSelector": {"matchLabels": {_NAMESPACE_NAME: names.SYSTEM}},
        "podSelector": {"matchLabels": {labels.COMPONENT: component}},
    }


def outside(cluster_ranges: tuple[str, ...]) -> dict[str, Any]:
    return {"ipBlock": {"cidr": "0.0.0.0/0", "except": list(cluster_ranges)}}


def _operator_egress(node_address: str, api_port: int) -> dict[str, Any]:
    """What depends on this platform's addresses; DNS and the apps are allowed by install/network-policies.yaml."""
    storage = {
        "namespaceSelector": {"matchLabels": {_NAMESPACE_NAME: names.STORAGE}},
        "podSelector": {"matchLabels": {names.NAME: names.S3}},
    }
    rules = [
        {"to": [{"ipBlock": {"cidr": f"{node_address}/32"}}], "ports": [_tcp(api_port)]},
        {"to": [storage], "ports": [_tcp(names.S3_PORT), _tcp(names.IAM_PORT)]},
    ]
    selected = {"matchLabels": {labels.COMPONENT: "operator"}}
    spec = {"podSelector": selected, "policyTypes": ["Egress"], "egress": rules}
    return _policy("operator-to-platform", names.SYSTEM, spec)


def _reports() -> dict[str, Any]:
    """Where this platform's relay would stand."""
    peer = {"namespaceSelector": {"matchLabels": {_NAMESPACE_NAME: names.MAIL}}}
    rules = [{"from": [peer], "ports": [_tcp(labels.REPORTS_PORT)]}]
    selected = {"matchLabels": {labels.COMPONENT: "operator"}}
    return _policy(
        "operator-reports", names.SYSTEM, {"podSelector": selected, "policyTypes": ["Ingress"], "ingress": rules}
    )


def _tcp(port: int) -> dict[str, Any]:
    return {"protocol": "TCP", "port": port}


def _policy(name: str, namespace: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }
