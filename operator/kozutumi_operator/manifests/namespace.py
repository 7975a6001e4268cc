"""The organization's namespace, under the strictest Pod Security level."""

from __future__ import annotations

from kozutumi_operator.manifests import metadata
from kozutumi_operator.organizations.observed import Object
from kozutumi_operator.organizations.spec import Organization


def render(organization: Organization) -> Object:
    described = metadata.of(organization, organization.namespace, "namespace")
    del described["namespace"]
    for mode in ("enforce", "audit", "warn"):
        described["labels"][f"pod-security.kubernetes.io/{mode}"] = "restricted"
        described["labels"][f"pod-security.kubernetes.io/{mode}-version"] = "latest"
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": described}
