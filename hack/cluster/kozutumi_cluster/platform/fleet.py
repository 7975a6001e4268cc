"""Waits until the operator has brought a new release to every organization, or has taken it back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kozutumi_cluster.demo.kubectl import Kubectl, wait_until
from kozutumi_cluster.errors import ClusterError
from kozutumi_cluster.platform import names

RECORD: Final = "fleet-release"
# Short, for a cluster whose organizations are there to be tried.
SETTINGS: Final = {
    "FLEET_CANARIES": "1",
    "FLEET_SOAK": "3s",
    "FLEET_PATIENCE": "5m",
    "FLEET_MAX_UNAVAILABLE": "50%",
    "FLEET_FAILURE_RATIO": "10%",
    "FLEET_ON_FAILURE": "RollBack",
}


def record(kubectl: Kubectl) -> Mapping[str, Any]:
    """The data of the fleet's record, {} before the operator has written one."""
    words = ("get", "configmap", RECORD, "-n", names.SYSTEM, "--ignore-not-found")
    if not kubectl(*words, "-o", "name").strip():
        return {}
    data: Mapping[str, Any] = kubectl.json(*words)["data"]
    return data


def wait_settled(kubectl: Kubectl, images: Mapping[str, str], *, seconds: float = 420) -> None:
    """Raises ClusterError where the release was taken back, or does not get through."""

    def settled() -> bool:
        found = record(kubectl)
        if (found.get("imageApp"), found.get("imageScanner")) != (images["app"], images["scanner"]):
            return False
        if found["phase"] in {"RolledBack", "Halted"}:
            raise ClusterError(f"The release did not get through: {found['message']}")
        return bool(found["phase"] == "Settled")

    wait_until("the release reaching every organization", settled, seconds=seconds)
