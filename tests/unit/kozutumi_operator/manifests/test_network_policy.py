"""What an organization may choose about its network. The matrix itself is held by probe/test_table.py."""

from __future__ import annotations

import dataclasses
import ipaddress

import hypothesis
from hypothesis import given
from hypothesis import strategies as st

from kozutumi_contract import labels
from kozutumi_operator.manifests import network_policy, public_access
from operator_builders import organization, settings
from policy_evaluator import End, passes

APP = End("10.244.0.9", "kz-acme", {labels.COMPONENT: "app"})
SCANNER = End("10.244.0.10", "kz-acme", {labels.COMPONENT: "scanner"})
PERSON = End("198.51.100.77")


def test_allowed_ranges_replace_everywhere() -> None:
    policies = network_policy.render(organization(endpoint={"allowedCIDRs": ["198.51.100.0/26"]}), settings())
    assert passes(policies, End("198.51.100.7"), APP, 8443)
    assert not passes(policies, PERSON, APP, 8443)


def test_an_outside_range_opens_for_the_app_on_its_port_alone() -> None:
    spec = {"network": {"extraEgress": [{"cidr": "198.51.100.64/26", "port": 8443}, {"host": "login.example.com"}]}}
    policies = network_policy.render(organization(**spec), settings())
    assert passes(policies, APP, PERSON, 8443)
    assert not passes(policies, APP, PERSON, 443)
    assert not passes(policies, APP, End("198.51.100.7"), 8443)
    assert not passes(policies, SCANNER, PERSON, 8443)


def test_no_outside_range_leads_to_the_cluster_or_its_metadata() -> None:
    spec = {"network": {"extraEgress": [{"cidr": "0.0.0.0/0", "port": 443}, {"cidr": "10.96.0.0/24", "port": 443}]}}
    policies = network_policy.render(organization(**spec), settings())
    assert passes(policies, APP, PERSON, 443)
    for address in ("10.244.3.4", "10.96.0.1", "192.0.2.10", "169.254.169.254"):
        assert not passes(policies, APP, End(address), 443)


def test_without_a_monitoring_namespace_nobody_reads_metrics() -> None:
    platform = dataclasses.replace(settings(), monitoring_namespace="")
    policies = network_policy.render(organization(), platform)
    for namespace in ("kozutumi-monitoring", "default", ""):
        assert not passes(policies, End("10.244.0.8", namespace), APP, 9444)


cidrs = st.builds(
    lambda address, prefix: str(ipaddress.ip_network((address, prefix), strict=False)),
    st.integers(0, 2**32 - 1).map(lambda number: str(ipaddress.IPv4Address(number))),
    st.integers(0, 32),
)


@hypothesis.settings(deadline=None)
@given(st.lists(cidrs, max_size=5))
def test_no_allowed_range_ever_lets_a_cluster_address_in(allowed: list[str]) -> None:
    ranges = settings().cluster_ranges()
    for block in public_access.client_blocks(allowed, ranges):
        outer = ipaddress.IPv4Network(block["ipBlock"]["cidr"])
        holes = [ipaddress.IPv4Network(each) for each in block["ipBlock"].get("except", [])]
        for own in map(ipaddress.IPv4Network, ranges):
            assert not outer.overlaps(own) or own in holes
        assert all(hole != outer and hole.subnet_of(outer) for hole in holes)
