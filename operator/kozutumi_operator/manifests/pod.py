"""What every pod of an organization has in common: the restricted profile, no token, no service links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from kozutumi_contract import labels
from kozutumi_operator.manifests import names
from kozutumi_operator.organizations import quantities
from kozutumi_operator.organizations.fields import Resources
from kozutumi_operator.organizations.spec import Organization

USER: Final = 65532
FRESHCLAM: Final = Resources(Decimal("0.005"), 24 * 2**20, 512 * 2**20)
AGENT: Final = Resources(Decimal("0.005"), 48 * 2**20, 128 * 2**20)
# Seconds. Each run starts a process in the pod, some 0.1 s of CPU: with many organizations this is most of what they
# cost at rest. A pod that just started is asked at once, and the operator hears of trouble from the app itself.
START_PERIOD: Final = 5
READY_PERIOD: Final = 30
LIVE_PERIOD: Final = 60
PROBE: Final = Resources(Decimal("0.005"), 16 * 2**20, 64 * 2**20)


def template(
    organization: Organization, component: str, spec: dict[str, Any], annotations: Mapping[str, str]
) -> dict[str, Any]:
    """A Deployment's pod template."""
    pod_labels = labels.object_labels(organization.name, component) | {names.SERVING: "true"}
    metadata: dict[str, Any] = {"labels": pod_labels}
    if annotations:
        metadata["annotations"] = dict(annotations)
    return {
        "metadata": metadata,
        "spec": {**restricted(), "serviceAccountName": component, **spec},
    }


def restricted() -> dict[str, Any]:
    """The pod-level half of Pod Security `restricted`, and more than it asks."""
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }


def container(
    name: str,
    image: str,
    resources: Resources,
    *,
    command: Sequence[str],
    environment: Mapping[str, str],
    mounts: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """No CPU limit: throttling would stretch a TLS handshake, and the request already shares fairly."""
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": list(command),
        "env": [_variable(key, value) for key, value in sorted(environment.items())],
        "resources": {
            "requests": {
                "cpu": quantities.millis(resources.cpu_request),
                "memory": quantities.mebibytes(resources.memory_request),
            },
            "limits": {"memory": quantities.mebibytes(resources.memory_limit)},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": list(mounts),
    }


def _variable(name: str, value: str) -> dict[str, str]:
    """The API server stores an empty value as none, so that is how it is rendered."""
    return {"name": name, "value": value} if value else {"name": name}


def exec_probe(command: Sequence[str], *, period: int, failures: int) -> dict[str, Any]:
    """Probes run inside the pod, so that no port is open to the node. `period` in seconds."""
    return {
        "exec": {"command": list(command)},
        "periodSeconds": period,
        "timeoutSeconds": 10,
        "failureThreshold": failures,
    }


def mount(volume: str, path: str, *, read_only: bool = False) -> dict[str, Any]:
    return {"name": volume, "mountPath": path, **({"readOnly": True} if read_only else {})}


def secret_volume(secret: str) -> dict[str, Any]:
    return {"name": secret, "secret": {"secretName": secret, "defaultMode": 0o440}}


def config_volume(config_map: str) -> dict[str, Any]:
    return {"name": config_map, "configMap": {"name": config_map, "defaultMode": 0o444}}


def memory_volume(name: str, size: str) -> dict[str, Any]:
    """An emptyDir in memory: its content counts towards the memory limit of the container that writes it."""
    return {"name": name, "emptyDir": {"medium": "Memory", "sizeLimit": size}}
