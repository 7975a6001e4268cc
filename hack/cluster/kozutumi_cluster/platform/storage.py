"""The object store: VersityGW's S3 gateway and IAM service in one pod, each behind TLS, on one volume."""

from __future__ import annotations

from typing import Any, Final

from kozutumi_cluster.platform import names, pods

COMPONENT: Final = "object-store"
TLS_SECRET: Final = "s3-tls"  # noqa: S105 - the name of an object
_SOCKET: Final = "/run/s3/iam.sock"
_TLS: Final = "/etc/s3/tls"
_HEALTH: Final = "/health"


def objects(image: str, serial: str) -> list[dict[str, Any]]:
    ports = {"s3": names.S3_PORT, "iam": names.IAM_PORT}
    return [
        _volume_claim(),
        pods.deployment(names.S3, names.STORAGE, COMPONENT, serial, _pod(image)),
        pods.service(names.S3, names.STORAGE, COMPONENT, names.S3, ports),
    ]


def _volume_claim() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": names.metadata(names.S3, names.STORAGE, COMPONENT),
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "20Gi"}}},
    }


def _pod(image: str) -> dict[str, Any]:
    return {
        # The gateway ends when it cannot reach the IAM service at start, so that one is a sidecar and starts first.
        "initContainers": [_iam(image)],
        "containers": [_s3(image)],
        "volumes": [
            {"name": "data", "persistentVolumeClaim": {"claimName": names.S3}},
            pods.memory_volume("run", "1Mi"),
            pods.secret_volume("tls", TLS_SECRET),
        ],
    }


def _iam(image: str) -> dict[str, Any]:
    own = ["iam", "--dir", "/data/iam", "--private-ports", _SOCKET]
    probe = pods.https_probe(_HEALTH, names.IAM_PORT)
    return pods.container(
        "iam",
        image,
        restartPolicy="Always",
        args=[*_common(names.IAM_PORT, "us-east-1"), *own],
        env=_root_credential(),
        ports=[{"name": "iam", "containerPort": names.IAM_PORT}],
        startupProbe={**probe, "periodSeconds": 1, "failureThreshold": 60},
        readinessProbe=probe,
        resources=pods.resources("10m", "32Mi", "256Mi"),
        volumeMounts=[_shared("iam"), *_mounts()],
    )


def _s3(image: str) -> dict[str, Any]:
    # Without the cache a removed access key is refused at once.
    own = ["--iam-cache-disable", "--iam-standalone-endpoint", _SOCKET]
    backend = ["posix", "--versioning-dir", "/data/versions", "/data/objects"]
    return pods.container(
        "s3",
        image,
        args=[*_common(names.S3_PORT, names.REGION), *own, *backend],
        env=_root_credential(),
        ports=[{"name": "s3", "containerPort": names.S3_PORT}],
        readinessProbe=pods.https_probe(_HEALTH, names.S3_PORT, period_seconds=2),
        resources=pods.resources("50m", "64Mi", "1Gi"),
        volumeMounts=[_shared("objects"), _shared("versions"), *_mounts()],
    )


def _common(port: int, region: str) -> list[str]:
    certificate = ["--cert", f"{_TLS}/tls.crt", "--key", f"{_TLS}/tls.key"]
    return ["--port", f":{port}", *certificate, "--region", region, "--health", _HEALTH, "--quiet"]


def _root_credential() -> list[dict[str, Any]]:
    entries = {"ROOT_ACCESS_KEY_ID": "access-key-id", "ROOT_SECRET_ACCESS_KEY": "secret-access-key"}
    return [
        {"name": variable, "valueFrom": {"secretKeyRef": {"name": names.S3_ROOT, "key": key}}}
        for variable, key in entries.items()
    ]


def _shared(folder: str) -> dict[str, Any]:
    return pods.mount("data", f"/data/{folder}", subPath=folder)


def _mounts() -> list[dict[str, Any]]:
    return [pods.mount("run", "/run/s3"), pods.mount("tls", _TLS, readOnly=True)]
