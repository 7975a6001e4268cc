"""The pods that walk the matrix: as an organization's own would be, but chosen by no Service."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from kozutumi_contract import labels
from kozutumi_operator.cluster.kinds import POD, Object
from kozutumi_operator.manifests import names, pod
from kozutumi_operator.platform import PlatformSettings
from kozutumi_operator.probe.matrix import INSIDE, Cell, Source

PATIENCE: Final = 20  # seconds until an unexpected outcome counts: a new pod's rules come late
SETTLE: Final = 4  # seconds a pod without any open cell waits instead
DEADLINE: Final = 90


def render(service_code: str, source: Source, cells: Sequence[Cell], platform: PlatformSettings) -> Object:
    """A pod labelled as `source`: what a policy selects, and what no Service, Deployment or PDB does."""
    inside = source in INSIDE
    # From the canary namespace even the label of an app must open nothing.
    component = {"other": "probe", "canary": names.APP}.get(source, source)
    has_open = any(cell.expected == "open" for cell in cells)
    order = {
        "settle": 0 if has_open else SETTLE,
        "patience": PATIENCE,
        "targets": [[cell.target.host, cell.target.port, cell.expected] for cell in cells],
    }
    container = pod.container(
        "probe",
        platform.image_probe,
        pod.PROBE,
        command=["python", "-m", "kozutumi_operator.probe"],
        environment={"KOZUTUMI_PROBE": json.dumps(order, separators=(",", ":"))},
        mounts=[],
    )
    return {
        "apiVersion": POD.api_version,
        "kind": POD.name,
        "metadata": {
            "name": name_of(service_code, source),
            "namespace": namespace_of(service_code, source, platform),
            "labels": (labels.object_labels(service_code, component) if inside else {})
            | {labels.PROBE: service_code, labels.COMPONENT: component},
        },
        "spec": {
            **pod.restricted(),
            "restartPolicy": "Never",
            "activeDeadlineSeconds": DEADLINE,
            "terminationGracePeriodSeconds": 0,
            "containers": [container],
        },
    }


def name_of(service_code: str, source: Source) -> str:
    return f"probe-{source}" if source in INSIDE else f"probe-{service_code}"


def namespace_of(service_code: str, source: Source, platform: PlatformSettings) -> str:
    if source == "monitoring":
        return platform.monitoring_namespace
    return labels.CANARY_NAMESPACE if source == "canary" else labels.namespace(service_code)


def outcomes(found: Object, cells: Sequence[Cell]) -> dict[Cell, str] | None:
    """What a pod wrote; None while it runs. ValueError where it ended without a result."""
    status: dict[str, Any] = found.get("status") or {}
    if status.get("phase") not in {"Succeeded", "Failed"}:
        return None
    for container in status.get("containerStatuses") or ():
        message = ((container.get("state") or {}).get("terminated") or {}).get("message") or ""
        if len(message) == len(cells):
            return dict(zip(cells, message, strict=True))
    raise ValueError(
        f"probe pod {found['metadata']['name']} ended without a result ({status.get('reason', 'no reason')})"
    )
