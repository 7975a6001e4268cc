"""Listeners of an organization's own on a shared Gateway, with its own certificate (GEP-1713; ListenerSet v1)."""

from __future__ import annotations

from typing import Any

from kozutumi_operator.manifests import metadata, names
from kozutumi_operator.manifests.service import HTTPS_PORT
from kozutumi_operator.organizations import endpoint, fronts
from kozutumi_operator.organizations.observed import Object
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.platform import PlatformSettings

GROUP = "gateway.networking.k8s.io"


def render(organization: Organization, platform: PlatformSettings) -> Object | None:
    """None where the Gateway's own listener serves the hosts. One listener a host; no other namespace may attach."""
    if organization.endpoint_type != "HTTPRoute" or platform.gateway_listeners != "ListenerSet":
        return None
    gateway = fronts.gateway(organization, platform)
    hosts = endpoint.hosts(organization, platform)
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "ListenerSet",
        "metadata": metadata.of(organization, names.PUBLIC_SERVICE, "endpoint"),
        "spec": {
            "parentRef": {"group": GROUP, "kind": "Gateway", "namespace": gateway.namespace, "name": gateway.name},
            "listeners": [_listener(f"https-{number}", host) for number, host in enumerate(hosts)],
        },
    }


def _listener(name: str, host: str) -> dict[str, Any]:
    certificate = {"group": "", "kind": "Secret", "name": names.APP_PUBLIC_TLS}
    return {
        "name": name,
        "hostname": host,
        "port": HTTPS_PORT,
        "protocol": "HTTPS",
        "tls": {"mode": "Terminate", "certificateRefs": [certificate]},
        "allowedRoutes": {"namespaces": {"from": "Same"}},
    }
