"""From which networks a member may sign in. Pure."""

from __future__ import annotations

import ipaddress

from kozutumi_app.domain.policies import Policy


def admits(policy: Policy, client: str) -> bool:
    """Whether every list of the policy has a network with this address. An address that is none is in no network."""
    if not policy.networks:
        return True
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return all(any(address in ipaddress.ip_network(network) for network in rule) for rule in policy.networks)
