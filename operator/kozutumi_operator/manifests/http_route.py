"""The Gateway API's route from the platform's gateway to an app (GEP-718; HTTPRoute v1)."""

from __future__ import annotations

from typing import Any

from kozutumi_contract import labels
from kozutumi_operator.manifests import metadata, names
from kozutumi_operator.organizations import endpoint, fronts
from kozutumi_operator.organizations.observed import Object
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.platform import PlatformSettings


def render(organization: Organization, platform: PlatformSettings) -> Object | None:
    """None for another type of endpoint. Defaults are written out: the definition would fill them in."""
    if organization.endpoint_type != "HTTPRoute":
        return None
    backend = {"group": "", "kind": "Service", "name": names.PUBLIC_SERVICE, "port": labels.APP_PORT, "weight": 1}
    rule = {"matches": [{"path": {"type": "PathPrefix", "value": "/"}}], "backendRefs": [backend]}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": metadata.of(organization, names.PUBLIC_SERVICE, "endpoint"),
        "spec": {
            "parentRefs": [_parent(organization, platform)],
            "hostnames": list(endpoint.hosts(organization, platform)),
            "rules": [rule],
        },
    }


def _parent(organization: Organization, platform: PlatformSettings) -> dict[str, Any]:
    if platform.gateway_listeners == "ListenerSet":
        return {"group": "gateway.networking.k8s.io", "kind": "ListenerSet", "name": names.PUBLIC_SERVICE}
    gateway = fronts.gateway(organization, platform)
    reference = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "namespace": gateway.namespace}
    section = {"sectionName": gateway.section_name} if gateway.section_name else {}
    return {**reference, "name": gateway.name, **section}
