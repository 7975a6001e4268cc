"""What differs from type to type of endpoint, against reviewed files in tests/golden/manifests/endpoints.

After a wanted change: KOZUTUMI_UPDATE_GOLDEN=1 pytest tests/unit/kozutumi_operator/manifests, then review the diff.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

import endpoint_builders as endpoints
from kozutumi_contract import labels
from kozutumi_contract import settings as contract_settings
from kozutumi_operator.manifests import names, network_policy
from kozutumi_operator.organizations import desired, drift
from kozutumi_operator.organizations.observed import Object
from operator_builders import as_live, organization

GOLDEN = Path(__file__).parents[3] / "golden" / "manifests" / "endpoints"
SHOWN = {("Service", names.PUBLIC_SERVICE), ("ConfigMap", names.BACKEND_CA), ("Secret", names.BACKEND_CA)}
KINDS = {"HTTPRoute", "BackendTLSPolicy", "ListenerSet", "Ingress", "Certificate"}


def rendered(kind: str, **changes: str) -> list[Object]:
    fields = {"endpoint": endpoints.TYPES[kind]}
    return desired.render(organization(**fields), endpoints.platform(**changes), endpoints.materials(kind))


def one(objects: list[Object], kind: str, name: str = names.PUBLIC_SERVICE) -> Object:
    return next(each for each in objects if (each["kind"], each["metadata"]["name"]) == (kind, name))


def of_endpoint(objects: list[Object]) -> list[Object]:
    return [each for each in objects if each["kind"] in KINDS or (each["kind"], each["metadata"]["name"]) in SHOWN]


@pytest.mark.parametrize("kind", endpoints.TYPES)
def test_the_objects_of_an_endpoint_are_as_reviewed(kind: str) -> None:
    path = GOLDEN / f"{kind}.yaml"
    text = yaml.safe_dump_all(of_endpoint(rendered(kind)), sort_keys=False, allow_unicode=True, width=120)
    if os.environ.get("KOZUTUMI_UPDATE_GOLDEN") == "1":
        path.write_text(text)
    assert text == path.read_text()


def test_listeners_of_its_own_are_as_reviewed() -> None:
    path = GOLDEN / "ListenerSet.yaml"
    objects = rendered("HTTPRoute", KOZUTUMI_GATEWAY_LISTENERS="ListenerSet")
    shown = [one(objects, "ListenerSet"), one(objects, "HTTPRoute")]
    text = yaml.safe_dump_all(shown, sort_keys=False, allow_unicode=True, width=120)
    if os.environ.get("KOZUTUMI_UPDATE_GOLDEN") == "1":
        path.write_text(text)
    assert text == path.read_text()


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.glob("*.yaml")} == {*endpoints.TYPES, "ListenerSet"}


@pytest.mark.parametrize("kind", endpoints.TYPES)
def test_what_was_applied_is_no_drift(kind: str) -> None:
    wanted = rendered(kind)
    for mine, live in zip(wanted, as_live(wanted), strict=True):
        assert not drift.differences(mine, live)
        assert not drift.foreign(mine, live)


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("HTTPRoute", ("rules", 0, "backendRefs", 0, "port"), 80),
        ("HTTPRoute", ("hostnames",), ["stolen.example"]),
        ("BackendTLSPolicy", ("validation", "hostname"), "other.example"),
        ("Ingress", ("rules",), []),
    ],
)
def test_an_edited_route_is_drift(kind: str, path: tuple[Any, ...], value: Any) -> None:
    wanted = one(rendered("Ingress" if kind == "Ingress" else "HTTPRoute"), kind)
    [live] = as_live([wanted])
    *way, last = path
    place = live["spec"]
    for step in way:
        place = place[step]
    place[last] = value
    assert drift.differences(wanted, live)


@pytest.mark.parametrize(
    ("kind", "peers"),
    [
        ("LoadBalancer", [{"ipBlock": {"cidr": "203.0.113.0/24"}}]),
        ("HTTPRoute", [("gateways", {"app": "gateway"})]),
        ("Ingress", [("ingress-nginx", None)]),
    ],
)
def test_only_the_gateway_or_the_allowed_clients_reach_the_public_port(kind: str, peers: list[Any]) -> None:
    policies = network_policy.render(organization(endpoint=endpoints.TYPES[kind]), endpoints.platform())
    ingress = next(each for each in policies if each["metadata"]["name"] == "app-ingress")["spec"]["ingress"]
    [rule] = [each for each in ingress if any(port["port"] == labels.APP_PORT for port in each["ports"])]
    assert [_shown(peer) for peer in rule["from"]] == peers


def _shown(peer: dict[str, Any]) -> Any:
    if "ipBlock" in peer:
        return peer
    namespace = peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
    return namespace, peer.get("podSelector", {}).get("matchLabels")


def environment(objects: list[Object]) -> contract_settings.AppSettings:
    container = one(objects, "Deployment", names.APP)["spec"]["template"]["spec"]["containers"][0]
    found = {each["name"]: each.get("value", "") for each in container["env"]}
    return contract_settings.from_environment(contract_settings.AppSettings, found)


def test_the_app_limits_its_clients_behind_a_gateway_and_only_there() -> None:
    behind, direct = environment(rendered("HTTPRoute")), environment(rendered("LoadBalancer"))
    assert (behind.trusted_gateways, behind.allowed_clients) == (("10.244.9.0/24",), ("203.0.113.0/24",))
    assert behind.excluded_clients == endpoints.platform().cluster_ranges()
    assert (direct.trusted_gateways, direct.allowed_clients, direct.excluded_clients) == ((), (), ())


@pytest.mark.parametrize("kind", ["LoadBalancer", "HTTPRoute", "Ingress"])
def test_links_use_the_first_host_and_no_port(kind: str) -> None:
    read = environment(rendered(kind))
    assert read.public_url == f"https://{endpoints.HOSTS[0]}"
    assert read.hosts == endpoints.HOSTS


@pytest.mark.parametrize("kind", ["HTTPRoute", "Ingress"])
def test_a_gateway_is_shown_a_certificate_of_the_organization_s_own_ca(kind: str) -> None:
    volumes = one(rendered(kind), "Deployment", names.APP)["spec"]["template"]["spec"]["volumes"]
    mounted = {each["secret"]["secretName"] for each in volumes if "secret" in each}
    assert names.APP_BACKEND_TLS in mounted
    assert names.APP_PUBLIC_TLS not in mounted


def test_a_quota_lets_nobody_open_what_the_type_does_not_need() -> None:
    quota = {kind: one(rendered(kind), "ResourceQuota", names.QUOTA)["spec"]["hard"] for kind in endpoints.TYPES}
    assert {kind: hard["services.loadbalancers"] for kind, hard in quota.items()} == {
        kind: "1" if endpoints.TYPES[kind]["type"] == "LoadBalancer" else "0" for kind in endpoints.TYPES
    }
    assert (quota["HTTPRoute"]["services.nodeports"], quota["NodePort"]["services.nodeports"]) == ("0", "1")
