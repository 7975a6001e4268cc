"""Services: two for inside, one public."""

from __future__ import annotations

from typing import Any, Final

from kozutumi_contract import labels
from kozutumi_operator.manifests import metadata, names
from kozutumi_operator.organizations import fronts
from kozutumi_operator.organizations.observed import Object
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.platform import PlatformSettings

HTTPS_PORT: Final = 443


def render_app(organization: Organization) -> Object:
    """With the public port too: there it has the same number for every type of endpoint, which probes rely on."""
    numbers = {"public": labels.APP_PORT, "internal": labels.INTERNAL_PORT, "metrics": labels.METRICS_PORT}
    ports = [_port(name, number) for name, number in numbers.items()]
    return _service(organization, names.APP, names.APP, {"type": "ClusterIP", "ports": ports})


def render_scanner(organization: Organization) -> Object:
    ports = [_port("scan", labels.SCANNER_PORT), _port("metrics", labels.METRICS_PORT)]
    return _service(organization, names.SCANNER, names.SCANNER, {"type": "ClusterIP", "ports": ports})


def render_egress_proxy(organization: Organization, port: int) -> Object:
    spec = {"type": "ClusterIP", "ports": [_port("proxy", port)]}
    return _service(organization, names.EGRESS_PROXY, names.EGRESS_PROXY, spec)


def render_public(organization: Organization, platform: PlatformSettings, node_port: int | None) -> Object:
    """What clients, or the gateway in front, connect to.

    `Local`: with `Cluster` the node's own address would pass for the client's, past allowedCIDRs.
    A port once allotted is asked for by number, so that links already mailed keep working.
    """
    if fronts.stands_before(organization):
        spec = {"type": "ClusterIP", "ports": [_port("public", labels.APP_PORT)]}
        return _service(organization, names.PUBLIC_SERVICE, names.APP, spec)
    port = _port("public", labels.APP_PORT)
    if node_port is not None:
        port["nodePort"] = node_port
    spec = {"type": organization.endpoint_type, "externalTrafficPolicy": "Local", "ports": [port]}
    if organization.endpoint_type == "NodePort":
        return _service(organization, names.PUBLIC_SERVICE, names.APP, spec)
    return _balanced(organization, platform, spec, port)


def _balanced(
    organization: Organization, platform: PlatformSettings, spec: dict[str, Any], port: dict[str, Any]
) -> Object:
    """On the port of https; the platform's class and annotations say which load balancer, and how."""
    spec["ports"] = [port | {"port": HTTPS_PORT}]
    if organization.allowed_cidrs:
        spec["loadBalancerSourceRanges"] = list(organization.allowed_cidrs)
    if platform.load_balancer_class:
        spec["loadBalancerClass"] = platform.load_balancer_class
    service = _service(organization, names.PUBLIC_SERVICE, names.APP, spec)
    for line in platform.load_balancer_annotations:
        key, _, value = line.partition("=")
        service["metadata"]["annotations"][key] = value
    return service


def _port(name: str, number: int) -> dict[str, Any]:
    return {"name": name, "port": number, "targetPort": number, "protocol": "TCP"}


def _service(organization: Organization, name: str, component: str, spec: dict[str, Any]) -> Object:
    selector = {labels.COMPONENT: component, names.SERVING: "true"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata.of(organization, name, component),
        "spec": {**spec, "selector": selector},
    }
