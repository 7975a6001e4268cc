"""kubectl, as a platform operator would use it, against the development cluster."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kozutumi_cluster import shell
from kozutumi_cluster.errors import ClusterError


@dataclass(frozen=True)
class Kubectl:
    binary: Path
    kubeconfig: Path

    def __call__(self, *words: str, stdin: str | None = None, timeout: float = 300) -> str:
        """Standard output; ClusterError with kubectl's own words when it fails. `timeout` is in seconds."""
        return shell.run([self.binary, "--kubeconfig", self.kubeconfig, *words], stdin=stdin, timeout_seconds=timeout)

    def json(self, *words: str) -> Any:
        return json.loads(self(*words, "-o", "json"))

    def exists(self, *words: str) -> bool:
        return bool(self("get", *words, "--ignore-not-found", "-o", "name").strip())

    def apply(self, manifest: dict[str, Any]) -> None:
        self("apply", "-f", "-", stdin=json.dumps(manifest))

    def condition(self, organization: str, kind: str) -> dict[str, Any]:
        """One condition of an Organization, {} while it has none."""
        status = self.json("get", "organization", organization).get("status", {})
        found = [entry for entry in status.get("conditions", []) if entry["type"] == kind]
        return found[0] if found else {}


def wait_until(what: str, check: Callable[[], bool], *, seconds: float, interval: float = 1) -> None:
    """Poll `check`; ClusterError naming `what` when it does not come true within `seconds`."""
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            raise ClusterError(f"{what} did not happen within {seconds:g} s.")
        time.sleep(interval)
