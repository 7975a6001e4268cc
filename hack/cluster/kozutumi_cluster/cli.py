"""The command line: `up`, `down`, `status`, `load`, `kubeconfig`, `logs`."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from kozutumi_cluster import (
    binaries,
    cleanup,
    files,
    kind,
    kubeconfig,
    lifecycle,
    local_images,
    node,
    packages,
    status,
)
from kozutumi_cluster.api import Api
from kozutumi_cluster.demo import cli as demo_cli
from kozutumi_cluster.errors import ClusterError
from kozutumi_cluster.layout import DEFAULT_NAME, Layout
from kozutumi_cluster.platform import cli as platform_cli
from kozutumi_cluster.progress import Progress

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    help="A real Kubernetes cluster for development.",
)
Name = Annotated[str, typer.Option("--name", help="Name of the cluster; several may run side by side.")]


def _driver(layout: Layout) -> Path | None:
    """The kind program where this cluster is kind's, None for the node driver. What exists keeps its driver."""
    recorded = files.read_json(layout.node_file)
    if recorded is not None and recorded["driver"] == "node":
        return None
    if not kind.docker_answers():
        return None
    return kind.program()


@app.command()
def up(name: Name = DEFAULT_NAME) -> None:
    """Start the cluster, or bring back what is missing of it."""
    layout = Layout.of(name)
    progress = Progress(Console())
    program = _driver(layout)
    if program is None:
        lifecycle.up(layout, progress)
    else:
        kind.up(program, layout, progress)
    progress.say(f"The cluster “{name}” is ready. To use it:\nexport KUBECONFIG={layout.kubeconfig}")


@app.command()
def down(name: Name = DEFAULT_NAME) -> None:
    """Remove the cluster and everything it ever made on this machine, except the cache of binaries."""
    layout = Layout.of(name)
    progress = Progress(Console())
    program = _driver(layout)
    if program is not None and kind.exists(program, layout):
        kind.down(program, layout, progress)
    lifecycle.down(layout, progress)


@app.command("status")
def show_status(name: Name = DEFAULT_NAME) -> None:
    """Show each component; exit status 0 when all of them run and the node is ready, else 1."""
    layout = Layout.of(name)
    console = Console()
    program = _driver(layout)
    if program is not None:
        healthy = kind.exists(program, layout)
        console.print(f"kind cluster “{name}”: {'present' if healthy else 'absent'}")
    else:
        healthy = _node_status(layout, console)
    raise typer.Exit(0 if healthy else 1)


def _node_status(layout: Layout, console: Console) -> bool:
    network = node.network_of(layout)
    programs = binaries.installed("cluster")
    if network is None or programs is None:
        console.print(f"There is no cluster “{layout.name}”; start it with `up`.")
        return False
    found = status.read(layout)
    console.print(status.table(found))
    ready = all(row.up for row in found) and Api(layout, programs["kubectl"]).node_is_ready()
    console.print(f"node {layout.node_name}: {'Ready' if ready else 'not ready'}")
    console.print(f"API server: {kubeconfig.server_url(network.node)}  node ports: {network.node}", highlight=False)
    console.print(f"kubeconfig: {layout.kubeconfig}\nlogs: {layout.logs}", highlight=False, soft_wrap=True)
    return ready


@app.command()
def load(
    images: Annotated[list[str], typer.Argument(help="Archives (docker-archive, OCI) or images of buildah or Docker.")],
    name: Name = DEFAULT_NAME,
) -> None:
    """Load images into the cluster."""
    layout = Layout.of(name)
    progress = Progress(Console())
    program = _driver(layout)
    with tempfile.TemporaryDirectory(prefix="kozutumi-images-") as folder:
        archives = [local_images.archive(image, Path(folder)) for image in images]
        if program is None:
            lifecycle.load(layout, progress, archives)
        else:
            kind.load(program, layout, progress, archives)


@app.command("kubeconfig")
def show_kubeconfig(name: Name = DEFAULT_NAME) -> None:
    """Print the path of the kubeconfig."""
    layout = Layout.of(name)
    if not layout.kubeconfig.exists():
        message = f"There is no cluster “{name}”; start it with `up`."
        raise ClusterError(message)
    print(layout.kubeconfig)


@app.command()
def logs(
    component: Annotated[str, typer.Argument(help="As `status` lists them, or `node` for the supervisor itself.")],
    name: Name = DEFAULT_NAME,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines are written.")] = False,
) -> None:
    """Show the log of a component."""
    layout = Layout.of(name)
    known = sorted(path.stem for path in layout.logs.glob("*.log"))
    if component not in known:
        message = f"There is no log of “{component}”; there are: {', '.join(known) or 'none'}."
        raise ClusterError(message)
    words = ["tail", "--lines=200", *(["--follow"] if follow else []), str(layout.logs / f"{component}.log")]
    os.execvp(words[0], words)  # noqa: S606 - tail takes over this process; no shell is involved


@app.command("binaries")
def build_binaries() -> None:
    """Build every program from its pinned Go module, or find it in the cache; print where each one is."""
    progress = Progress(Console(stderr=True))
    for module in (each for each in binaries.MODULES.values() if not each.on_demand):
        for path in binaries.ensure(module.name, progress).values():
            print(path)


@app.command("packages")
def install_packages() -> None:
    """Install the Debian packages that the cluster and the tests need, naming what is missing first."""
    packages.ensure(Progress(Console()), packages.NEEDED | packages.FOR_TESTS)


@app.command("leftovers")
def show_leftovers(name: Name = DEFAULT_NAME) -> None:
    """Name everything of the cluster that exists on this machine; exit status 0 when there is nothing."""
    found = cleanup.leftovers(name)
    for line in found:
        print(line)
    raise typer.Exit(1 if found else 0)


platform_cli.register(app)
demo_cli.register(app)


def main() -> None:
    """Entry point: a ClusterError is a message for the user, anything else is a defect and keeps its trace."""
    try:
        app()
    except ClusterError as error:
        Console(stderr=True).print(f"[red]error:[/red] {error}", highlight=False, soft_wrap=True)
        raise SystemExit(1) from None
