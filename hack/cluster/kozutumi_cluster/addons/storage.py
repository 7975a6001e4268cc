"""local-path-provisioner behind the default StorageClass `standard`; it deletes what it made."""

from __future__ import annotations

import json
from typing import Any

from kozutumi_cluster.addons import access
from kozutumi_cluster.layout import Layout

IMAGE = "localhost/local-path-provisioner:0.0.30"
HELPER_IMAGE = "localhost/busybox:1"
NAMESPACE = "local-path-storage"
DEPLOYMENT = "local-path-provisioner"
STORAGE_CLASS = "standard"
_PROVISIONER = "rancher.io/local-path"
_CONFIG = "local-path-config"
_SETUP = '#!/bin/sh\nset -eu\nmkdir -m 0777 -p "$VOL_DIR"\n'
_TEARDOWN = '#!/bin/sh\nset -eu\nrm -rf "$VOL_DIR"\n'
_WRITE = ("create", "patch", "update", "delete")


def objects(layout: Layout) -> list[dict[str, Any]]:
    account = {"namespace": NAMESPACE, "name": DEPLOYMENT}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account},
        access.cluster_role(NAMESPACE, _rules()),
        access.cluster_role_binding(NAMESPACE, NAMESPACE, access.service_account(**account)),
        *_helper_role(account),
        _config_map(layout),
        _deployment(),
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {
                "name": STORAGE_CLASS,
                "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
            },
            "provisioner": _PROVISIONER,
            "reclaimPolicy": "Delete",
            "volumeBindingMode": "WaitForFirstConsumer",
        },
    ]


def _rules() -> list[dict[str, Any]]:
    return [
        access.rule("", ["nodes", "persistentvolumeclaims", "configmaps", "pods", "pods/log"]),
        access.rule("", ["persistentvolumes"], ("get", "list", "watch", *_WRITE)),
        access.rule("", ["events"], ("create", "patch")),
        access.rule("storage.k8s.io", ["storageclasses"]),
    ]


def _helper_role(account: dict[str, str]) -> list[dict[str, Any]]:
    """Pods that make and delete folders are created in this namespace only."""
    rbac = "rbac.authorization.k8s.io"
    return [
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "Role",
            "metadata": account,
            "rules": [access.rule("", ["pods"], ("get", "list", "watch", *_WRITE))],
        },
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "RoleBinding",
            "metadata": account,
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": DEPLOYMENT},
            "subjects": [access.service_account(**account)],
        },
    ]


def _config_map(layout: Layout) -> dict[str, Any]:
    everywhere = {"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": [str(layout.volumes)]}
    resources = {"requests": {"cpu": "5m", "memory": "8Mi"}, "limits": {"memory": "32Mi"}}
    container = {
        "name": "helper-pod",
        "image": HELPER_IMAGE,
        "imagePullPolicy": "Never",
        "resources": resources,
        # The folder's content may belong to any user of any tenant pod.
        "securityContext": {"runAsUser": 0},
    }
    helper = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "helper-pod"},
        "spec": {"priorityClassName": "system-node-critical", "containers": [container]},
    }
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"namespace": NAMESPACE, "name": _CONFIG},
        "data": {
            "config.json": json.dumps({"nodePathMap": [everywhere]}),
            "setup": _SETUP,
            "teardown": _TEARDOWN,
            "helperPod.yaml": json.dumps(helper),
        },
    }


def _deployment() -> dict[str, Any]:
    labels = {"app.kubernetes.io/name": DEPLOYMENT}
    container = {
        "name": DEPLOYMENT,
        "image": IMAGE,
        "imagePullPolicy": "Never",
        "args": ["start", "--config", "/etc/config/config.json", "--service-account-name", DEPLOYMENT],
        "env": [
            {"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
            {"name": "CONFIG_MOUNT_PATH", "value": "/etc/config/"},
            {"name": "HELPER_IMAGE", "value": HELPER_IMAGE},
        ],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "config", "mountPath": "/etc/config", "readOnly": True}],
    }
    pod = {
        "serviceAccountName": DEPLOYMENT,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [{"name": "config", "configMap": {"name": _CONFIG}}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"namespace": NAMESPACE, "name": DEPLOYMENT, "labels": labels},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }
