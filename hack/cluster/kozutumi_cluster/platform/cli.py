"""`images` and `install`, commands of the cluster's program."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from kozutumi_cluster import base_images, binaries, files, images, kind, lifecycle
from kozutumi_cluster.demo.kubectl import Kubectl
from kozutumi_cluster.errors import ClusterError
from kozutumi_cluster.images import ImageRef
from kozutumi_cluster.layout import DEFAULT_NAME, Layout
from kozutumi_cluster.platform import programs
from kozutumi_cluster.platform.install import Installation
from kozutumi_cluster.progress import Progress

Name = Annotated[str, typer.Option("--name", help="Name of the cluster.")]


def build() -> None:
    """Build Kozutumi's images; what has not changed comes from the cache."""
    progress = Progress(Console())
    for image in images.build_all(progress).values():
        progress.say(f"{image.reference}  {image.archive}")


def install(name: Name = DEFAULT_NAME) -> None:
    """Build the images, load them, and install Kozutumi with the services of its platform."""
    cluster = Layout.of(name)
    if not cluster.kubeconfig.exists():
        raise ClusterError(f"There is no cluster “{name}”; start it with `up`.")
    progress = Progress(Console())
    built = {**programs.ensure(progress), **images.build_all(progress)}
    kubectl = binaries.ensure("cluster", progress)["kubectl"]
    _load(cluster, kubectl.parent, progress, built.values())
    references = {short: image.reference for short, image in built.items()}
    installation = Installation(cluster, Kubectl(kubectl, cluster.kubeconfig), references, progress)
    installation.run()
    for what, where in installation.endpoints().items():
        progress.say(f"{what}: {where}")


def register(app: typer.Typer) -> None:
    app.command("images")(build)
    app.command()(install)


def _load(cluster: Layout, folder: Path, progress: Progress, built: Iterable[ImageRef]) -> None:
    recorded = files.read_json(cluster.node_file)
    if recorded is not None and recorded["driver"] == "kind":
        program = kind.program()
        if program is None:
            raise ClusterError("This cluster was made by kind, which is no longer installed; install it again.")
        kind.load(program, cluster, progress, [image.archive for image in built])
        return
    present = base_images.loaded(cluster, folder)
    lifecycle.load(cluster, progress, [image.archive for image in built if image.reference not in present])
