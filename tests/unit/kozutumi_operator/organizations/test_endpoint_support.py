from __future__ import annotations

from typing import Any

import pytest

import endpoint_builders as endpoints
import operator_builders as builders
from kozutumi_operator.errors import SpecRefused
from kozutumi_operator.organizations import endpoint, endpoint_support
from kozutumi_operator.organizations.observed import observe
from kozutumi_operator.organizations.reasons import Reason
from operator_builders import organization

ROUTE: dict[str, Any] = {"type": "HTTPRoute"}
INGRESS: dict[str, Any] = {"type": "Ingress"}


@pytest.mark.parametrize("kind", endpoints.TYPES)
def test_where_everything_is_offered_nothing_is_refused(kind: str) -> None:
    endpoint_support.refuse(organization(endpoint=endpoints.TYPES[kind]), endpoints.platform(), endpoints.KINDS)


@pytest.mark.parametrize(
    ("asked", "missing", "kinds", "words"),
    [
        (ROUTE, {}, {"Ingress"}, "BackendTLSPolicy, HTTPRoute"),
        (ROUTE, {"KOZUTUMI_GATEWAY_LISTENERS": "ListenerSet"}, {"HTTPRoute", "BackendTLSPolicy"}, "ListenerSet"),
        (ROUTE, {"KOZUTUMI_GATEWAY": ""}, endpoints.KINDS, "KOZUTUMI_GATEWAY "),
        (ROUTE, {"KOZUTUMI_GATEWAY_SELECTOR": ""}, endpoints.KINDS, "KOZUTUMI_GATEWAY_SELECTOR"),
        (ROUTE, {"KOZUTUMI_GATEWAY_CIDRS": ""}, endpoints.KINDS, "KOZUTUMI_GATEWAY_CIDRS"),
        (ROUTE | {"tls": {"secretRef": {"name": "given"}}}, {}, endpoints.KINDS, "ListenerSet"),
        (INGRESS, {"KOZUTUMI_INGRESS_CLASS": ""}, endpoints.KINDS, "KOZUTUMI_INGRESS_CLASS"),
        (INGRESS, {"KOZUTUMI_INGRESS_ANNOTATIONS": ""}, endpoints.KINDS, "plaintext"),
        (INGRESS, {"KOZUTUMI_INGRESS_CIDRS": ""}, endpoints.KINDS, "KOZUTUMI_INGRESS_CIDRS"),
        ({"tls": {"issuerRef": {"name": "public"}}}, {}, {"Ingress"}, "cert-manager"),
    ],
)
def test_what_is_not_offered_is_refused_with_what_to_do(
    asked: dict[str, Any], missing: dict[str, str], kinds: set[str], words: str
) -> None:
    with pytest.raises(SpecRefused, match=words) as refusal:
        endpoint_support.refuse(organization(endpoint=asked), endpoints.platform(**missing), kinds)
    assert refusal.value.because is Reason.ENDPOINT_UNSUPPORTED


def test_the_operator_s_own_secrets_are_nobody_s_certificate() -> None:
    for name in endpoint_support.OWN_SECRETS:
        asked = organization(endpoint={"tls": {"secretRef": {"name": name}}})
        with pytest.raises(SpecRefused, match="own Secrets"):
            endpoint_support.refuse(asked, endpoints.platform(), endpoints.KINDS)


def test_a_manifest_may_name_another_gateway() -> None:
    asked = ROUTE | {"parentRef": {"name": "private", "namespace": "gateways"}}
    endpoint_support.refuse(organization(endpoint=asked), endpoints.platform(KOZUTUMI_GATEWAY=""), endpoints.KINDS)


def service(**status: Any) -> dict[str, Any]:
    metadata = {"name": "app-public", "namespace": "kz-acme"}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "status": status}


def gateway_object(kind: str, holder: str, *conditions: tuple[str, str]) -> dict[str, Any]:
    told = [{"type": each, "status": status, "message": f"{each} is {status}"} for each, status in conditions]
    metadata = {"name": "app-public", "namespace": "kz-acme"}
    status = {holder: [{"conditions": told}]} if told else {}
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": kind, "metadata": metadata, "status": status}


TAKEN = gateway_object("HTTPRoute", "parents", ("Accepted", "True"), ("ResolvedRefs", "True"))
TRUSTED = gateway_object("BackendTLSPolicy", "ancestors", ("Accepted", "True"))


@pytest.mark.parametrize(
    ("kind", "things", "words"),
    [
        ("LoadBalancer", [service(loadBalancer={})], "no address yet"),
        ("LoadBalancer", [service(loadBalancer={"ingress": [{"ip": "192.0.2.1"}]})], ""),
        ("NodePort", [service()], ""),
        ("HTTPRoute", [], "No gateway has taken up the HTTPRoute"),
        ("HTTPRoute", [gateway_object("HTTPRoute", "parents", ("Accepted", "False"))], "Accepted is False"),
        ("HTTPRoute", [TAKEN], "BackendTLSPolicy"),
        ("HTTPRoute", [TAKEN, TRUSTED], ""),
    ],
)
def test_what_an_endpoint_waits_for(kind: str, things: list[dict[str, Any]], words: str) -> None:
    said = endpoint.waiting(organization(endpoint={"type": kind}), observe(things))
    assert words in said
    assert bool(said) is bool(words)


def test_the_address_has_a_port_only_where_a_node_has_one() -> None:
    platform = builders.settings()
    assert endpoint.url(organization(), platform, 30001) == "https://acme.kozutumi.test:30001"
    assert endpoint.url(organization(), platform, None) == ""
    assert endpoint.url(organization(endpoint=ROUTE), platform, None) == "https://acme.kozutumi.test"
