"""What a grant gives: one fixed role, bound to one person in one organization's namespace."""

from __future__ import annotations

from typing import Any, Final

from kozutumi_contract import labels
from kozutumi_operator.grants.grant import AccessGrant
from kozutumi_operator.organizations.observed import Object

ROLES: Final = {"Diagnose": "kozutumi-grant-diagnose", "Operate": "kozutumi-grant-operate"}
_GROUP: Final = "rbac.authorization.k8s.io"


def name_of(grant: str) -> str:
    return f"grant-{grant}"


def render(grant: AccessGrant, organization_uid: str) -> Object:
    metadata: dict[str, Any] = {
        "name": name_of(grant.name),
        "namespace": labels.namespace(grant.organization),
        "labels": {**labels.object_labels(grant.organization, "access-grant"), labels.ACCESS_GRANT: grant.name},
        "annotations": {labels.ORGANIZATION_UID: organization_uid},
    }
    return {
        "apiVersion": f"{_GROUP}/v1",
        "kind": "RoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": _GROUP, "kind": "ClusterRole", "name": ROLES[grant.role]},
        "subjects": [{"apiGroup": _GROUP, "kind": "User", "name": grant.subject}],
    }


def is_as_rendered(live: Object, wanted: Object) -> bool:
    """Whether it gives exactly what it should: a role that cannot be changed, and subjects that can."""
    return all(live.get(part) == wanted[part] for part in ("roleRef", "subjects"))
