"""How the gateway connects to an app: TLS alone, trusting the organization's own CA and one exact name (GEP-1897)."""

from __future__ import annotations

from kozutumi_operator.manifests import metadata, names
from kozutumi_operator.organizations.observed import Object
from kozutumi_operator.organizations.spec import Organization


def render(organization: Organization) -> Object | None:
    if organization.endpoint_type != "HTTPRoute":
        return None
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "BackendTLSPolicy",
        "metadata": metadata.of(organization, names.PUBLIC_SERVICE, "endpoint"),
        "spec": {
            "targetRefs": [{"group": "", "kind": "Service", "name": names.PUBLIC_SERVICE}],
            "validation": {
                "caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": names.BACKEND_CA}],
                "hostname": names.service_host(names.PUBLIC_SERVICE, organization.name),
            },
        },
    }
