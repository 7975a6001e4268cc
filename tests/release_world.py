"""A cluster of its own for the chart: the platform's services and Secrets, and nothing of Kozutumi."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from chart_world import HelmError
from kozutumi_cluster import base_images, binaries, images, layout, lifecycle, shell
from kozutumi_cluster.demo import environment
from kozutumi_cluster.demo.kubectl import Kubectl
from kozutumi_cluster.layout import Layout
from kozutumi_cluster.platform import mail, names, policies, programs, storage
from kozutumi_cluster.platform.install import Installation
from kozutumi_cluster.progress import Progress

LAYOUT = Layout.of("chart")
CHANGED = "localhost/changed"  # the registry under which the images are known a second time
RELEASE = ("kozutumi", "-n", "kozutumi-system")
RANGES = (layout.POD_RANGE, layout.SERVICE_RANGE)


@dataclass(frozen=True)
class Platform:
    """A node with everything that a platform team has before it installs the chart."""

    installation: Installation
    node: str

    @property
    def kubectl(self) -> Kubectl:
        return self.installation.kubectl

    def helm(self, *words: str, values: dict[str, Any] | None = None) -> str:
        given = [] if values is None else ["-f", "-"]
        done = subprocess.run(  # noqa: S603 - the chart's own installer
            [binaries.ensure("helm")["helm"], *words, *given],
            input=None if values is None else json.dumps(values),
            env={**os.environ, "KUBECONFIG": str(LAYOUT.kubeconfig)},
            capture_output=True,
            text=True,
            check=False,
            timeout=420,
        )
        if done.returncode:
            raise HelmError(done.stderr + done.stdout)
        return done.stdout

    def install(self, chart: Path, values: dict[str, Any], *words: str) -> None:
        self.helm(
            "upgrade",
            "--install",
            RELEASE[0],
            str(chart),
            *RELEASE[1:],
            "--wait",
            "--timeout=5m",
            *words,
            values=values,
        )

    def copy_secret(self, kind: str, name: str, other: str) -> None:
        """The same content under another name, as a platform that names things differently has it."""
        found = self.kubectl.json("get", kind, name, "-n", names.SYSTEM)
        kept = {field: found[field] for field in ("apiVersion", "kind", "data", "type") if field in found}
        self.kubectl.apply({**kept, "metadata": {"name": other, "namespace": names.SYSTEM}})

    def digests(self) -> dict[str, str]:
        """Digest of each of Kozutumi's images on the node, which gets them a second time as CHANGED/<name>@<digest>."""
        ctr = base_images.ctr(LAYOUT, binaries.ensure("cluster")["ctr"].parent)
        listed = [line.split() for line in shell.run([*ctr, "images", "list"]).splitlines()]
        found = {words[0]: words[2] for words in listed[1:]}
        known = {}
        for name in ("operator", "app", "scanner", "mirror"):
            reference = self.installation.images[name]
            known[name] = found[reference]
            shell.run([*ctr, "images", "tag", "--force", reference, f"{CHANGED}/{name}@{found[reference]}"])
        return known


def cluster_command(verb: str) -> None:
    """In a process of its own, as at a terminal: the node outlives whoever starts it."""
    shell.run([sys.executable, "-m", "kozutumi_cluster", verb, "--name", LAYOUT.name], timeout_seconds=420)


def prepare() -> Platform:
    """Start the cluster and bring it to the state in which docs/operations/helm.md begins."""
    progress = Progress(Console(quiet=True))
    cluster_command("up")
    cluster = binaries.ensure("cluster")
    built = {**programs.ensure(progress), **images.build_all(progress)}
    present = base_images.loaded(LAYOUT, cluster["ctr"].parent)
    lifecycle.load(LAYOUT, progress, [each.archive for each in built.values() if each.reference not in present])
    kubectl = Kubectl(cluster["kubectl"], LAYOUT.kubeconfig)
    installation = Installation(LAYOUT, kubectl, {name: each.reference for name, each in built.items()}, progress)
    node = environment.address(kubectl, LAYOUT)
    installation._apply([_namespace(name) for name in (*names.NAMESPACES, names.SYSTEM)])
    rules = policies.objects(node, layout.API_PORT, RANGES)
    installation._apply([each for each in rules if each["metadata"]["namespace"] != names.SYSTEM])
    serials = installation._secrets(dt.datetime.now(dt.UTC))
    installation._apply(storage.objects(installation.images["versitygw"], serials[names.S3]))
    installation._apply(mail.objects(installation.images["mailpit"], serials[names.MAILPIT]))
    for namespace in (names.STORAGE, names.MAIL):
        installation._wait(namespace)
    return Platform(installation, node)


def _namespace(name: str) -> dict[str, Any]:
    restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": restricted}}
