"""Events (events.k8s.io/v1) about an Organization. They live in `default`, as for any cluster-scoped object."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

from kozutumi_contract.labels import FIELD_MANAGER
from kozutumi_operator.cluster.kinds import EVENT, ORGANIZATION, Object

NAMESPACE: Final = "default"
_NOTE_LIMIT: Final = 1024


def render(
    organization: str,
    uid: str,
    *,
    type: Literal["Normal", "Warning"],
    reason: str,
    action: str,
    note: str,
    instance: str,
    now: datetime,
) -> Object:
    """One Event. `note` is cut to the API's limit of 1 KiB; it may hold no secret."""
    return {
        "apiVersion": EVENT.api_version,
        "kind": EVENT.name,
        "metadata": {"generateName": f"{organization}-", "namespace": NAMESPACE},
        "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "type": type,
        "reason": reason,
        "action": action,
        "note": note if len(note.encode()) <= _NOTE_LIMIT else note[: _NOTE_LIMIT // 4],
        "reportingController": f"kozutumi.com/{FIELD_MANAGER}",
        "reportingInstance": instance,
        "regarding": {
            "apiVersion": ORGANIZATION.api_version,
            "kind": ORGANIZATION.name,
            "name": organization,
            "uid": uid,
        },
    }
