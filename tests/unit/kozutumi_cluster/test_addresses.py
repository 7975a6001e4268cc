from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest

from kozutumi_cluster import addresses
from kozutumi_cluster.errors import ClusterError


def test_a_name_gets_the_same_range_every_time() -> None:
    assert addresses.choose("kozutumi", []) == addresses.choose("kozutumi", [])


def test_host_and_node_have_the_first_two_addresses() -> None:
    chosen = addresses.NodeNetwork(IPv4Network("10.89.7.0/24"))
    assert (chosen.host, chosen.node) == (IPv4Address("10.89.7.1"), IPv4Address("10.89.7.2"))


def test_a_range_in_use_is_passed_over() -> None:
    first = addresses.choose("kozutumi", []).network
    other = addresses.choose("kozutumi", [first]).network
    assert not other.overlaps(first)
    assert other.subnet_of(IPv4Network("10.89.0.0/16"))


def test_a_wider_route_blocks_all_it_covers() -> None:
    chosen = addresses.choose("kozutumi", [IPv4Network("10.89.0.0/17")]).network
    assert chosen.subnet_of(IPv4Network("10.89.128.0/17"))


def test_no_range_left_is_said() -> None:
    with pytest.raises(ClusterError, match=r"No free /24 is left"):
        addresses.choose("kozutumi", [IPv4Network("10.0.0.0/8")])


def test_the_default_route_blocks_nothing() -> None:
    assert addresses.routed(["default", "192.0.2.0/24", "192.0.2.9"]) == [
        IPv4Network("192.0.2.0/24"),
        IPv4Network("192.0.2.9/32"),
    ]
