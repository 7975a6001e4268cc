"""The proxy for services that have only a name."""

from __future__ import annotations

import dataclasses
import json

import pytest

from kozutumi_contract import labels
from kozutumi_operator.errors import SpecRefused
from kozutumi_operator.manifests import egress_proxy, names, network_policy
from kozutumi_operator.organizations import desired, materials
from kozutumi_operator.organizations.materials import PlatformAuthority
from kozutumi_operator.organizations.observed import Object, observe
from operator_builders import organization, settings
from operator_world import NOW, authority
from policy_evaluator import End, passes

LISTED = organization(
    network={"extraEgress": [{"host": "login.example.com"}, {"host": "mail.example.com", "port": 465}]}
)
PLATFORM = dataclasses.replace(settings(), image_egress_proxy="localhost/smokescreen:0")
APP = End("10.244.0.9", "kz-acme", {labels.COMPONENT: "app"})
SCANNER = End("10.244.0.8", "kz-acme", {labels.COMPONENT: "scanner"})
PROXY = End("10.244.0.7", "kz-acme", {labels.COMPONENT: "egress-proxy"})
OUTSIDE = End("198.51.100.77")


def rendered(platform_authority: PlatformAuthority) -> list[Object]:
    prepared = materials.prepare(
        LISTED, PLATFORM, platform_authority, observe([]), None, node_port=30443, now=NOW, random=bytes
    )
    return desired.render(LISTED, PLATFORM, prepared)


def test_the_allow_list_names_the_hosts_and_enforces() -> None:
    listed = json.loads(egress_proxy.allow_list(LISTED))
    assert listed["services"] == []
    assert listed["default"]["action"] == "enforce"
    assert listed["default"]["allowed_domains"] == ["login.example.com", "mail.example.com"]


def test_the_app_reaches_the_proxy_alone_and_the_proxy_what_is_outside() -> None:
    policies = network_policy.render(LISTED, PLATFORM)
    assert passes(policies, APP, PROXY, egress_proxy.PORT)
    assert not passes(policies, SCANNER, PROXY, egress_proxy.PORT)
    assert not passes(policies, APP, OUTSIDE, 443)
    for port, allowed in ((443, True), (465, True), (80, False)):
        assert passes(policies, PROXY, OUTSIDE, port) is allowed
    for inside in ("10.244.1.1", "10.96.0.1", "192.0.2.10", "169.254.169.254"):
        assert not passes(policies, PROXY, End(inside), 443)


def test_only_the_holder_of_this_organizations_certificate_is_served() -> None:
    objects = {(each["kind"], each["metadata"]["name"]): each for each in rendered(authority())}
    container = objects["Deployment", names.EGRESS_PROXY]["spec"]["template"]["spec"]["containers"][0]
    assert "--tls-client-ca-file=/etc/kozutumi/tls/egress/ca.crt" in container["command"]
    assert "--deny-range=10.244.0.0/16" in container["command"]
    assert ("Secret", names.APP_EGRESS_CLIENT_TLS) in objects
    mounted = objects["Deployment", names.APP]["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
    assert names.APP_EGRESS_CLIENT_TLS in {each["name"] for each in mounted}


def test_a_platform_without_a_proxy_refuses_hosts() -> None:
    prepared = materials.prepare(
        LISTED, settings(), authority(), observe([]), None, node_port=30443, now=NOW, random=bytes
    )
    with pytest.raises(SpecRefused, match="list address ranges"):
        desired.render(LISTED, settings(), prepared)


def test_who_lists_no_host_has_no_proxy() -> None:
    assert not [
        policy for policy in network_policy.render(organization(), PLATFORM) if "proxy" in policy["metadata"]["name"]
    ]
