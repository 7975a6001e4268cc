"""The network matrix of architecture.md §3, one policy per component and direction. Everything absent is denied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from kozutumi_contract import labels
from kozutumi_operator.manifests import egress_proxy, metadata, names, public_access
from kozutumi_operator.organizations.observed import Object
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.platform import PlatformSettings

LINK_LOCAL: Final = "169.254.0.0/16"  # a cloud's metadata service lives there


def render(organization: Organization, platform: PlatformSettings) -> list[Object]:
    return [
        _policy(organization, names.DEFAULT_DENY, None, ("Ingress", "Egress"), {}),
        _policy(
            organization, "app-ingress", names.APP, ("Ingress",), {"ingress": _app_ingress(organization, platform)}
        ),
        _policy(organization, "app-egress", names.APP, ("Egress",), {"egress": _app_egress(organization, platform)}),
        _policy(organization, "scanner-ingress", names.SCANNER, ("Ingress",), {"ingress": _scanner_ingress(platform)}),
        _policy(organization, "scanner-egress", names.SCANNER, ("Egress",), {"egress": _scanner_egress(platform)}),
        *_egress_proxy(organization, platform),
    ]


def _app_ingress(organization: Organization, platform: PlatformSettings) -> list[dict[str, Any]]:
    clients = public_access.peers(organization, platform)
    public = [{"from": clients, "ports": _ports(labels.APP_PORT)}] if clients else []
    return [
        *public,
        {"from": public_access.of_destination(platform.operator_selector), "ports": _ports(labels.INTERNAL_PORT)},
        *_metrics(platform),
    ]


def _app_egress(organization: Organization, platform: PlatformSettings) -> list[dict[str, Any]]:
    return [
        _dns(platform),
        {"to": [_component(names.SCANNER)], "ports": _ports(labels.SCANNER_PORT)},
        {"to": public_access.of_destination(platform.storage_selector), "ports": _ports(platform.s3_port)},
        {"to": public_access.of_destination(platform.smtp_selector), "ports": _ports(platform.smtp_port)},
        *_extra(organization, platform),
    ]


def _extra(organization: Organization, platform: PlatformSettings) -> Iterator[dict[str, Any]]:
    """What spec.network.extraEgress adds: ranges, and for hosts the egress proxy. None of them leads to the cluster's own addresses or its metadata."""
    if egress_proxy.hosts(organization):
        yield {"to": [_component(names.EGRESS_PROXY)], "ports": _ports(egress_proxy.PORT)}
    closed = (*platform.cluster_ranges(), LINK_LOCAL)
    for each in organization.extra_egress:
        blocks = public_access.client_blocks([each.cidr], closed) if each.cidr else []
        if blocks:
            yield {"to": blocks, "ports": _ports(each.port)}


def _egress_proxy(organization: Organization, platform: PlatformSettings) -> Iterator[Object]:
    """It may go anywhere but into the cluster, on the listed ports; its own list says to which names."""
    if not egress_proxy.hosts(organization):
        return
    outside = public_access.client_blocks([], (*platform.cluster_ranges(), LINK_LOCAL))
    ports = [_port(number, "TCP") for number in egress_proxy.ports(organization)]
    ingress = [{"from": [_component(names.APP)], "ports": _ports(egress_proxy.PORT)}]
    egress = [_dns(platform), {"to": outside, "ports": ports}]
    for direction, rules in (("Ingress", ingress), ("Egress", egress)):
        name = f"{names.EGRESS_PROXY}-{direction.lower()}"
        yield _policy(organization, name, names.EGRESS_PROXY, (direction,), {direction.lower(): rules})


def _scanner_ingress(platform: PlatformSettings) -> list[dict[str, Any]]:
    return [{"from": [_component(names.APP)], "ports": _ports(labels.SCANNER_PORT)}, *_metrics(platform)]


def _scanner_egress(platform: PlatformSettings) -> list[dict[str, Any]]:
    return [
        _dns(platform),
        {"to": public_access.of_destination(platform.mirror_selector), "ports": _ports(platform.mirror_port)},
    ]


def _metrics(platform: PlatformSettings) -> list[dict[str, Any]]:
    if not platform.monitoring_namespace:
        return []
    monitoring = {"namespaceSelector": {"matchLabels": {public_access.NAMESPACE_NAME: platform.monitoring_namespace}}}
    return [{"from": [monitoring], "ports": _ports(labels.METRICS_PORT)}]


def _dns(platform: PlatformSettings) -> dict[str, Any]:
    return {"to": public_access.of_destination(platform.dns_selector), "ports": [_port(53, "UDP"), _port(53, "TCP")]}


def _component(component: str) -> dict[str, Any]:
    return {"podSelector": {"matchLabels": {labels.COMPONENT: component}}}


def _ports(number: int) -> list[dict[str, Any]]:
    return [_port(number, "TCP")]


def _port(number: int, protocol: str) -> dict[str, Any]:
    return {"port": number, "protocol": protocol}


def _policy(
    organization: Organization, name: str, component: str | None, types: Sequence[str], rules: dict[str, Any]
) -> Object:
    """`component` None selects every pod."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata.of(organization, name, component or "policy"),
        "spec": {
            "podSelector": {"matchLabels": {labels.COMPONENT: component}} if component else {},
            "policyTypes": list(types),
            **rules,
        },
    }
