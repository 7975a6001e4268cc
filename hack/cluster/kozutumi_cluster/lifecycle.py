"""`up`, `down` and `load` of the node driver."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator, Sequence
from pathlib import Path

from kozutumi_cluster import addons, base_images, binaries, checks, cleanup, files, node, packages, processes, shell
from kozutumi_cluster.addons import dns, storage
from kozutumi_cluster.api import Api
from kozutumi_cluster.errors import ClusterError
from kozutumi_cluster.layout import Layout
from kozutumi_cluster.progress import Progress


@contextlib.contextmanager
def exclusively(layout: Layout) -> Iterator[None]:
    """One `up`, `down` or `load` at a time for each name. The kernel lets go of the lock of a killed run."""
    layout.clusters.mkdir(mode=0o700, parents=True, exist_ok=True)
    with layout.lock.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = f"Another run is working on the cluster “{layout.name}”: wait for it or end it."
            raise ClusterError(message) from error
        yield


def up(layout: Layout, progress: Progress) -> None:
    """Start the cluster, or go on from wherever an earlier run stopped. Raises ClusterError."""
    with progress.step("Checking this machine"):
        checks.require(checks.problems(checks.inspect(layout)))
    packages.ensure(progress)
    cluster = binaries.ensure("cluster", progress)
    provisioner = binaries.ensure("local-path-provisioner", progress)
    with exclusively(layout):
        _start(layout, progress, cluster["kubelet"].parent)
        api = Api(layout, cluster["kubectl"])
        with progress.step("Waiting for the API server", expected_seconds=8):
            api.wait("The API server was not ready", api.is_ready, timeout_seconds=120, log="kube-apiserver.log")
        with progress.step("Loading the cluster's own images", expected_seconds=10):
            base_images.ensure(layout, cluster, provisioner)
        with progress.step("Applying DNS and storage"):
            api.apply(addons.objects(layout), addons.FIELD_MANAGER)
        _wait(layout, api, progress)


def _start(layout: Layout, progress: Progress, folder: Path) -> None:
    running = processes.supervisor(layout) is not None
    if running and _same_programs(layout, folder):
        return
    if cleanup.running_leftovers(layout):
        with progress.step("Cleaning up what an earlier run left"):
            cleanup.stop(layout)
    with progress.step("Starting the node") as step:
        network = node.choose_network(layout)
        node.prepare(layout, network, folder)
        node.connect(layout, network)
        node.launch(layout)
        step.detail = str(network.node)


def _same_programs(layout: Layout, folder: Path) -> bool:
    """Whether the node was started from the binaries that this version of the tool wants."""
    written = files.read_json(layout.components_file) or []
    return bool(written) and all(part["argv"][0].startswith(f"{folder}/") for part in written)


def _wait(layout: Layout, api: Api, progress: Progress) -> None:
    with progress.step("Waiting for the node", expected_seconds=8):
        api.wait("The node was not ready", api.node_is_ready, timeout_seconds=120, log="kubelet.log")
    with progress.step("Waiting for the volume provisioner"):
        _wait_for_deployment(api, storage.NAMESPACE, storage.DEPLOYMENT)
    with progress.step("Waiting for DNS"):
        _wait_for_deployment(api, dns.NAMESPACE, dns.DEPLOYMENT)

        # After a restart the API server still tells what was true before; an answer on the wire is of now.
        def answers() -> bool:
            return shell.succeeds(node.dns_query_command(layout), timeout_seconds=10)

        api.wait("DNS did not answer", answers, timeout_seconds=120, log="kube-proxy.log")


def _wait_for_deployment(api: Api, namespace: str, name: str) -> None:
    def available() -> bool:
        return api.deployment_is_available(namespace, name)

    api.wait(f"{name} was not available", available, timeout_seconds=120, log="kubelet.log")


def down(layout: Layout, progress: Progress) -> None:
    """Remove everything of the cluster; nothing to remove is no error. Raises ClusterError naming what stays."""
    with exclusively(layout), progress.step("Removing the cluster"):
        cleanup.remove(layout)
        layout.lock.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            layout.clusters.rmdir()
    if left := cleanup.leftovers(layout.name):
        message = f"Something of the cluster “{layout.name}” is left: {'; '.join(left)}."
        raise ClusterError(message)


def load(layout: Layout, progress: Progress, archives: Sequence[Path]) -> None:
    """Import image archives into the node's containerd."""
    programs = binaries.ensure("cluster", progress)
    for archive in archives:
        with progress.step(f"Loading {archive.name}"):
            base_images.load(layout, programs["ctr"].parent, archive)
