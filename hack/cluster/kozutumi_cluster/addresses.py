"""Choice of the /24 between the host and one node: 10.89.N.0/24, the host .1, the node .2."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from kozutumi_cluster.errors import ClusterError

_SPACE = 256


@dataclass(frozen=True)
class NodeNetwork:
    network: IPv4Network

    @property
    def host(self) -> IPv4Address:
        return self.network[1]

    @property
    def node(self) -> IPv4Address:
        return self.network[2]


def choose(name: str, taken: Iterable[IPv4Network]) -> NodeNetwork:
    """The same name gets the same range as long as nothing else on the host uses it.

    Raises ClusterError when all 256 ranges overlap with something in use.
    """
    used = list(taken)
    first = hashlib.sha256(name.encode()).digest()[0]
    for step in range(_SPACE):
        network = IPv4Network(f"10.89.{(first + step) % _SPACE}.0/24")
        if not any(network.overlaps(other) for other in used):
            return NodeNetwork(network)
    message = "No free /24 is left in 10.89.0.0/16 for the node; remove a cluster or a route that covers it."
    raise ClusterError(message)


def routed(routes: Iterable[str]) -> list[IPv4Network]:
    """Networks from the `dst` column of `ip -json route`; the default route overlaps with nothing."""
    return [IPv4Network(route) for route in routes if route != "default"]
