"""Questions to the API server, asked with the cluster's own kubectl and kubeconfig."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kozutumi_cluster import shell
from kozutumi_cluster.errors import ClusterError
from kozutumi_cluster.layout import Layout

_PAUSE_SECONDS = 0.3


class Api:
    def __init__(self, layout: Layout, kubectl: Path) -> None:
        self._base = [str(kubectl), f"--kubeconfig={layout.kubeconfig}", "--request-timeout=10s"]
        self._layout = layout

    def get(self, *words: str) -> Any:
        """The parsed answer of `kubectl get`, or None where the API server or the object is not there (yet)."""
        try:
            return json.loads(shell.run([*self._base, "get", *words, "--output=json"], timeout_seconds=30))
        except ClusterError:
            return None

    def apply(self, objects: dict[str, Any], field_manager: str) -> None:
        words = ["apply", "--server-side", "--force-conflicts", f"--field-manager={field_manager}", "--filename=-"]
        shell.run([*self._base, *words], stdin=json.dumps(objects))

    def is_ready(self) -> bool:
        return shell.succeeds([*self._base, "get", "--raw=/readyz"])

    def node_is_ready(self) -> bool:
        return has_condition(self.get("node", self._layout.node_name), "Ready")

    def deployment_is_available(self, namespace: str, name: str) -> bool:
        """Of the generation last applied, not of an earlier one."""
        found = self.get("deployment", name, f"--namespace={namespace}")
        if found is None:
            return False
        status = found.get("status", {})
        current = status.get("observedGeneration", 0) >= found["metadata"]["generation"]
        return bool(current and status.get("availableReplicas", 0) >= found["spec"]["replicas"])

    def wait(self, what: str, ready: Callable[[], bool], *, timeout_seconds: float, log: str) -> None:
        """Raises ClusterError naming the log to read when `ready` does not come true in time."""
        deadline = time.monotonic() + timeout_seconds
        while not ready():
            if time.monotonic() > deadline:
                message = f"{what} within {timeout_seconds:.0f} s; see {self._layout.logs / log}."
                raise ClusterError(message)
            time.sleep(_PAUSE_SECONDS)


def has_condition(found: Any, kind: str) -> bool:
    """Whether an object as `kubectl get` prints it has the condition with status True."""
    conditions = [] if found is None else found.get("status", {}).get("conditions", [])
    return any(condition["type"] == kind and condition["status"] == "True" for condition in conditions)
