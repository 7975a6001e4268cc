"""Bounds for a container that names none, such as a diagnostic one."""

from __future__ import annotations

from kozutumi_operator.manifests import metadata, names
from kozutumi_operator.manifests.pod import PROBE
from kozutumi_operator.organizations import quantities
from kozutumi_operator.organizations.observed import Object
from kozutumi_operator.organizations.spec import Organization


def render(organization: Organization) -> Object:
    limit = {
        "type": "Container",
        "default": {"memory": quantities.mebibytes(PROBE.memory_limit)},
        "defaultRequest": {
            "cpu": quantities.millis(PROBE.cpu_request),
            "memory": quantities.mebibytes(PROBE.memory_request),
        },
    }
    return {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": metadata.of(organization, names.LIMITS, "quota"),
        "spec": {"limits": [limit]},
    }
