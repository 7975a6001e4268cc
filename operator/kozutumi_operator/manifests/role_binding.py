"""The operator's rights inside one namespace: one fixed role, bound where it is needed and nowhere else."""

from __future__ import annotations

from kozutumi_contract import labels
from kozutumi_operator.manifests import metadata, names
from kozutumi_operator.organizations.observed import Object
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.platform import PlatformSettings


def render(organization: Organization, platform: PlatformSettings) -> Object:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": metadata.of(organization, names.ROLE_BINDING, "operator"),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": names.ROLE},
        "subjects": [
            {
                "kind": "ServiceAccount",
                "name": platform.operator_service_account,
                "namespace": labels.SYSTEM_NAMESPACE,
            }
        ],
    }
