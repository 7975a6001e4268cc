"""One pod at a time; a pod that is not healthy anyway never holds up a node's drain."""

from __future__ import annotations

from kozutumi_contract import labels
from kozutumi_operator.manifests import metadata, names
from kozutumi_operator.organizations.observed import Object
from kozutumi_operator.organizations.spec import Organization


def render(organization: Organization) -> Object | None:
    """None while suspended: there is no pod to protect."""
    if organization.suspend:
        return None
    selector = {"matchLabels": {labels.COMPONENT: names.APP, names.SERVING: "true"}}
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata.of(organization, names.APP, names.APP),
        "spec": {"maxUnavailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow", "selector": selector},
    }
