"""The `kind` driver, for machines with a Docker daemon: the same commands, carried out by kind."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kozutumi_cluster import files, layout, shell
from kozutumi_cluster.components import apiserver
from kozutumi_cluster.errors import ClusterError
from kozutumi_cluster.layout import Layout
from kozutumi_cluster.progress import Progress

VERSION = "v0.31.0"


def docker_answers() -> bool:
    return shutil.which("docker") is not None and shell.succeeds(["docker", "info"], timeout_seconds=15)


def program() -> Path | None:
    """The program from PATH or from our own cache, built there first if need be; None where it cannot be had."""
    if (found := shutil.which("kind")) is not None:
        return Path(found)
    cached = layout.cache_home() / "kind" / VERSION
    if not (cached / "kind").exists() and shutil.which("go") is not None:
        environment = {**os.environ, "GOBIN": str(cached), "CGO_ENABLED": "0"}
        try:
            shell.run(install_command(), environment=environment, timeout_seconds=900)
        except ClusterError:
            return None
    return cached / "kind" if (cached / "kind").exists() else None


def install_command() -> list[str]:
    return ["go", "install", f"sigs.k8s.io/kind@{VERSION}"]


def config(cluster: Layout) -> dict[str, object]:
    """One node; kindnet, kind's own network, enforces NetworkPolicy."""
    return {"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4", "nodes": [node_config(cluster)]}


def node_config(cluster: Layout) -> dict[str, Any]:
    """Audit log and encryption as the node driver has them; the log lies in the same place on the host."""
    audit = "/var/log/kubernetes/audit"
    policy = "/etc/kubernetes/kozutumi"
    patch = {
        "kind": "ClusterConfiguration",
        "apiServer": {
            "extraArgs": {
                "audit-log-path": f"{audit}/audit.log",
                "audit-policy-file": f"{policy}/audit-policy.json",
                "encryption-provider-config": f"{policy}/encryption.json",
            },
            "extraVolumes": [
                {"name": "audit", "hostPath": audit, "mountPath": audit, "pathType": "DirectoryOrCreate"},
                {"name": "policy", "hostPath": policy, "mountPath": policy, "readOnly": True},
            ],
        },
    }
    return {
        "role": "control-plane",
        "kubeadmConfigPatches": [json.dumps(patch)],
        "extraMounts": [
            {"hostPath": str(cluster.audit_log.parent), "containerPath": audit},
            {"hostPath": str(cluster.config), "containerPath": policy, "readOnly": True},
        ],
    }


def create_command(kind: Path, cluster: Layout, config_file: Path) -> list[str]:
    words = ["create", "cluster", f"--name={cluster.name}", f"--config={config_file}", "--wait=300s"]
    return [str(kind), *words, f"--kubeconfig={cluster.kubeconfig}"]


def delete_command(kind: Path, cluster: Layout) -> list[str]:
    return [str(kind), "delete", "cluster", f"--name={cluster.name}", f"--kubeconfig={cluster.kubeconfig}"]


def load_command(kind: Path, cluster: Layout, archive: Path) -> list[str]:
    return [str(kind), "load", "image-archive", str(archive), f"--name={cluster.name}"]


def exists(kind: Path, cluster: Layout) -> bool:
    return cluster.name in shell.run([kind, "get", "clusters"]).split()


def up(kind: Path, cluster: Layout, progress: Progress) -> None:
    if exists(kind, cluster):
        shell.run([kind, "export", "kubeconfig", f"--name={cluster.name}", f"--kubeconfig={cluster.kubeconfig}"])
        return
    _write_configuration(cluster)
    config_file = cluster.config / "kind.json"
    files.write_json(config_file, config(cluster))
    with progress.step("Creating a kind cluster", expected_seconds=90):
        shell.run(create_command(kind, cluster, config_file), timeout_seconds=900)


def down(kind: Path, cluster: Layout, progress: Progress) -> None:
    with progress.step("Deleting the kind cluster"):
        shell.run(delete_command(kind, cluster))
        shutil.rmtree(cluster.state, ignore_errors=True)


def load(kind: Path, cluster: Layout, progress: Progress, archives: Sequence[Path]) -> None:
    for archive in archives:
        with progress.step(f"Loading {archive.name}"):
            shell.run(load_command(kind, cluster, archive), timeout_seconds=600)


def _write_configuration(cluster: Layout) -> None:
    cluster.audit_log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    files.write_json(cluster.node_file, {"driver": "kind"})
    files.write_json(cluster.config / apiserver.AUDIT_POLICY, apiserver.audit_policy())
    files.write_json(cluster.config / apiserver.ENCRYPTION, apiserver.encryption(os.urandom(32)))
