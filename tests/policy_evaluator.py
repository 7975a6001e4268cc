"""What NetworkPolicies let through, worked out as Kubernetes would."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kozutumi_contract import labels

Policy = Mapping[str, Any]


@dataclass(frozen=True)
class End:
    """One end of a connection: a pod with its namespace and labels, or an address alone."""

    address: str
    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


def passes(policies: Iterable[Policy], source: End, target: End, port: int, protocol: str = "TCP") -> bool:
    """Both ends must agree: what limits the source's ways out, and what limits the target's ways in."""
    listed = list(policies)
    return decide(listed, "Egress", source, target, port, protocol) and decide(
        listed, "Ingress", target, source, port, protocol
    )


def decide(
    policies: Iterable[Policy], direction: str, subject: End, peer: End, port: int, protocol: str = "TCP"
) -> bool:
    """Once any policy selects a pod for a direction, only what some rule names passes."""
    selecting = [each["spec"] for each in policies if _selects(each, direction, subject)]
    if not selecting:
        return True
    return any(
        _port(rule, port, protocol) and _peer(rule, direction, subject, peer)
        for spec in selecting
        for rule in spec.get(direction.lower(), ())
    )


def _selects(policy: Policy, direction: str, subject: End) -> bool:
    return (
        bool(subject.namespace)
        and policy["metadata"]["namespace"] == subject.namespace
        and direction in policy["spec"]["policyTypes"]
        and matches(policy["spec"]["podSelector"], subject.labels)
    )


def _port(rule: Mapping[str, Any], port: int, protocol: str) -> bool:
    ports = rule.get("ports")
    return not ports or any((each["port"], each["protocol"]) == (port, protocol) for each in ports)


def _peer(rule: Mapping[str, Any], direction: str, subject: End, peer: End) -> bool:
    entries = rule.get("from" if direction == "Ingress" else "to")
    return not entries or any(_one_peer(each, subject, peer) for each in entries)


def _one_peer(entry: Mapping[str, Any], subject: End, peer: End) -> bool:
    if "ipBlock" in entry:
        address, block = ipaddress.ip_address(peer.address), entry["ipBlock"]
        return address in ipaddress.ip_network(block["cidr"]) and not any(
            address in ipaddress.ip_network(hole) for hole in block.get("except", [])
        )
    if not peer.namespace:
        return False
    if "namespaceSelector" in entry:
        in_namespace = matches(entry["namespaceSelector"], namespace_labels(peer.namespace))
    else:
        in_namespace = peer.namespace == subject.namespace
    return in_namespace and matches(entry.get("podSelector", {}), peer.labels)


def namespace_labels(namespace: str) -> dict[str, str]:
    found = {"kubernetes.io/metadata.name": namespace}
    if namespace.startswith(labels.NAMESPACE_PREFIX):
        found[labels.SERVICE_CODE] = namespace.removeprefix(labels.NAMESPACE_PREFIX)
    return found


def matches(selector: Mapping[str, Any], held: Mapping[str, str]) -> bool:
    """Raises where a selector uses an operator that no policy of ours uses."""
    for requirement in selector.get("matchExpressions", ()):
        assert requirement["operator"] == "Exists", requirement
        if requirement["key"] not in held:
            return False
    wanted: dict[str, str] = selector.get("matchLabels", {})
    return wanted.items() <= dict(held).items()
