"""Acting past the admission policies, as a person with cluster-admin rights could: openly, and by editing a binding."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kozutumi_cluster.demo.kubectl import Kubectl, wait_until
from kozutumi_cluster.errors import ClusterError
from kozutumi_contract import labels

MANAGED_OBJECTS = "kozutumi-managed-objects"
_BINDING = ("validatingadmissionpolicybinding", MANAGED_OBJECTS)
_NAME = "kubernetes.io/metadata.name"


@contextmanager
def past(kubectl: Kubectl, *codes: str) -> Iterator[None]:
    """While it lasts, the objects of these organizations may be edited by whoever has the rights. Others' may not."""
    _change(kubectl, add={labels.namespace(code) for code in codes})
    try:
        for code in codes:
            wait_until(f"admission leaving {code} alone", lambda: _editable(kubectl, code), seconds=90, interval=0.2)  # noqa: B023 - called at once
        yield
    finally:
        _change(kubectl, remove={labels.namespace(code) for code in codes})


def _editable(kubectl: Kubectl, code: str) -> bool:
    """Tried as a dry run on what every organization has."""
    try:
        words = ("networkpolicy", "default-deny", "-n", labels.namespace(code), "past-admission=tried")
        kubectl("label", *words, "--overwrite", "--dry-run=server")
    except ClusterError:
        return False
    return True


def _change(kubectl: Kubectl, *, add: set[str] | None = None, remove: set[str] | None = None) -> None:
    with (kubectl.kubeconfig.parent / "past-admission.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        left = sorted((_exempt(kubectl.json("get", *_BINDING)) | (add or set())) - (remove or set()))
        selector = {"matchExpressions": [{"key": _NAME, "operator": "NotIn", "values": left}]} if left else None
        patch = {"spec": {"matchResources": {"namespaceSelector": selector}}}
        kubectl("patch", *_BINDING, "--type=merge", "-p", json.dumps(patch))


def _exempt(binding: dict[str, Any]) -> set[str]:
    selector = (binding["spec"].get("matchResources") or {}).get("namespaceSelector") or {}
    return {value for each in selector.get("matchExpressions", ()) for value in each["values"]}
