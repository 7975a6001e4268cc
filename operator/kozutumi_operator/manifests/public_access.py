"""Who may open a connection to an app's public port 8443."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any, Final

from kozutumi_operator.organizations import fronts
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.platform import Destination, PlatformSettings

NAMESPACE_NAME: Final = "kubernetes.io/metadata.name"
EVERYWHERE: Final = "0.0.0.0/0"
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def peers(organization: Organization, platform: PlatformSettings) -> list[dict[str, Any]]:
    """NetworkPolicy peers: the gateway alone where one stands in front, else the clients themselves."""
    front = fronts.of(organization, platform)
    if front is not None:
        return of_destination(front.selector)
    return client_blocks(organization.allowed_cidrs, platform.cluster_ranges())


def client_blocks(allowed: Sequence[str], cluster_ranges: Sequence[str]) -> list[dict[str, Any]]:
    """The allowed ranges, never the cluster's own.

    An allowed range that lies inside a cluster range gives nothing: it would let other tenants' pods in.
    """
    ours = [ipaddress.ip_network(cidr) for cidr in cluster_ranges]
    blocks = []
    for cidr in allowed or (EVERYWHERE,):
        network = ipaddress.ip_network(cidr)
        if any(_within(network, own) for own in ours):
            continue
        holes = sorted({str(own) for own in ours if _within(own, network)})
        blocks.append({"ipBlock": {"cidr": str(network), **({"except": holes} if holes else {})}})
    return blocks


def of_destination(destination: Destination) -> list[dict[str, Any]]:
    if destination.cidrs:
        return [{"ipBlock": {"cidr": cidr}} for cidr in destination.cidrs]
    peer: dict[str, Any] = {"namespaceSelector": {"matchLabels": {NAMESPACE_NAME: destination.namespace}}}
    if destination.pod_labels:
        peer["podSelector"] = {"matchLabels": dict(destination.pod_labels)}
    return [peer]


def _within(inner: Network, outer: Network) -> bool:
    if isinstance(inner, ipaddress.IPv4Network) and isinstance(outer, ipaddress.IPv4Network):
        return inner.subnet_of(outer)
    if isinstance(inner, ipaddress.IPv6Network) and isinstance(outer, ipaddress.IPv6Network):
        return inner.subnet_of(outer)
    return False
