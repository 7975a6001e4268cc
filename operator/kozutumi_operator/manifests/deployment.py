"""The frame of both Deployments."""

from __future__ import annotations

from typing import Any

from kozutumi_contract import labels
from kozutumi_operator.manifests import metadata, names
from kozutumi_operator.organizations.observed import Object
from kozutumi_operator.organizations.spec import Organization


def frame(organization: Organization, component: str, template: dict[str, Any], *, asleep: bool = False) -> Object:
    """A rollout brings the new pod up before the old one goes; `suspend` and sleep keep everything but the pods."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata.of(organization, component, component),
        "spec": {
            "replicas": 0 if organization.suspend or asleep else 1,
            "revisionHistoryLimit": 2,
            "progressDeadlineSeconds": 600,
            "selector": {"matchLabels": {labels.COMPONENT: component, names.SERVING: "true"}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": template,
        },
    }
