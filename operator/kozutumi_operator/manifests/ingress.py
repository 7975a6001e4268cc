"""The route of an ingress controller to an app. How it verifies the app is the controller's own annotations."""

from __future__ import annotations

from typing import Any

from kozutumi_contract import labels
from kozutumi_operator.manifests import metadata, names
from kozutumi_operator.organizations import endpoint, fronts
from kozutumi_operator.organizations.observed import Object
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.platform import PlatformSettings


def render(organization: Organization, platform: PlatformSettings) -> Object | None:
    if organization.endpoint_type != "Ingress":
        return None
    hosts = endpoint.hosts(organization, platform)
    described = metadata.of(organization, names.PUBLIC_SERVICE, "endpoint")
    described["annotations"] |= _annotations(organization, platform)
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": described,
        "spec": {
            "ingressClassName": fronts.ingress_class(organization, platform),
            "tls": [{"hosts": list(hosts), "secretName": names.APP_PUBLIC_TLS}],
            "rules": [_rule(host) for host in hosts],
        },
    }


def _rule(host: str) -> dict[str, Any]:
    service = {"name": names.PUBLIC_SERVICE, "port": {"number": labels.APP_PORT}}
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": service}}
    return {"host": host, "http": {"paths": [path]}}


def _annotations(organization: Organization, platform: PlatformSettings) -> dict[str, str]:
    """The platform's, with `{namespace}`, `{service_host}` and `{ca_secret}` filled in."""
    known = {
        "{namespace}": organization.namespace,
        "{service_host}": names.service_host(names.PUBLIC_SERVICE, organization.name),
        "{ca_secret}": names.BACKEND_CA,
    }
    filled = {}
    for line in platform.ingress_annotations:
        key, _, value = line.partition("=")
        for placeholder, meant in known.items():
            value = value.replace(placeholder, meant)
        filled[key] = value
    return filled
