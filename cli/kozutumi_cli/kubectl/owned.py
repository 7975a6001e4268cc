"""Which kinds of object make up an organization, for commands that look at them. Secrets and ConfigMaps are never asked for."""

from __future__ import annotations

from typing import Final

KINDS: Final = (
    "networkpolicies.networking.k8s.io",
    "resourcequotas",
    "limitranges",
    "serviceaccounts",
    "persistentvolumeclaims",
    "services",
    "deployments.apps",
    "poddisruptionbudgets.policy",
    "rolebindings.rbac.authorization.k8s.io",
    "ingresses.networking.k8s.io",
    "httproutes.gateway.networking.k8s.io",
)
# Made by controllers out of ours; shown below their owner.
MADE_OF_THEM: Final = ("replicasets.apps", "pods")
