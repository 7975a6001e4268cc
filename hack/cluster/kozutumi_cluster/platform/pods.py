"""Pieces of restricted pods (Pod Security Standards, profile `restricted`)."""

from __future__ import annotations

from typing import Any, Final

from kozutumi_cluster.platform import names
from kozutumi_contract import labels

USER: Final = 65532
TLS_SERIAL: Final = f"{labels.GROUP}/tls-serial"


def container(name: str, image: str, **fields: Any) -> dict[str, Any]:
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        **fields,
    }


def https_probe(path: str, port: int, *, period_seconds: int = 5) -> dict[str, Any]:
    return {"httpGet": {"scheme": "HTTPS", "path": path, "port": port}, "periodSeconds": period_seconds}


def resources(cpu: str, memory: str, memory_limit: str) -> dict[str, Any]:
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": memory_limit}}


def secret_volume(name: str, secret: str) -> dict[str, Any]:
    return {"name": name, "secret": {"secretName": secret, "defaultMode": 0o440}}


def memory_volume(name: str, size_limit: str) -> dict[str, Any]:
    return {"name": name, "emptyDir": {"medium": "Memory", "sizeLimit": size_limit}}


def mount(name: str, path: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "mountPath": path, **fields}


def deployment(name: str, namespace: str, component: str, serial: str, pod: dict[str, Any]) -> dict[str, Any]:
    """One replica, replaced rather than surged (its volume has one writer), and replaced with its certificate."""
    chosen = {names.NAME: name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": names.metadata(name, namespace, component),
        "spec": {
            "replicas": 1,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": chosen},
            "template": {
                "metadata": {"labels": names.pod_labels(name, component), "annotations": {TLS_SERIAL: serial}},
                "spec": {
                    "automountServiceAccountToken": False,
                    "enableServiceLinks": False,
                    "terminationGracePeriodSeconds": 10,
                    "securityContext": {
                        "runAsNonRoot": True,
                        "runAsUser": USER,
                        "runAsGroup": USER,
                        "fsGroup": USER,
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    **pod,
                },
            },
        },
    }


def service(name: str, namespace: str, component: str, selected: str, ports: dict[str, int]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": names.metadata(name, namespace, component),
        "spec": {
            "type": "ClusterIP",
            "selector": {names.NAME: selected},
            "ports": [{"name": word, "port": port, "targetPort": port} for word, port in ports.items()],
        },
    }
