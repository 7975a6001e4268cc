"""The images that the cluster itself needs, made from static programs and loaded into containerd."""

from __future__ import annotations

from pathlib import Path

from kozutumi_cluster import archives, node, shell
from kozutumi_cluster.addons import dns, storage
from kozutumi_cluster.archives import Image
from kozutumi_cluster.components import containerd
from kozutumi_cluster.layout import Layout

BUSYBOX = Path("/bin/busybox")


def images(cluster: dict[str, Path], provisioner: dict[str, Path], applets: list[str]) -> list[Image]:
    busybox = {"bin/busybox": BUSYBOX}
    links = {f"bin/{name}": "busybox" for name in applets if name != "busybox"}
    return [
        Image(containerd.PAUSE_IMAGE, ("/bin/busybox", "sleep", "2147483647"), busybox),
        Image(
            storage.HELPER_IMAGE,
            ("/bin/sh",),
            busybox,
            links={**links, "etc/mtab": "/proc/mounts"},
            folders={"tmp": 0o1777, "home": 0o755},
        ),
        Image(dns.IMAGE, ("/coredns",), {"coredns": cluster["coredns"]}),
        Image(
            storage.IMAGE,
            ("/local-path-provisioner",),
            {"local-path-provisioner": provisioner["local-path-provisioner"]},
        ),
    ]


def ctr(layout: Layout, binaries: Path) -> list[str]:
    """The client of containerd, in the node's namespaces and the one namespace that the kubelet reads."""
    program = str(binaries / "ctr")
    return [*node.enter_command(layout), program, "--address", containerd.SOCKET, "--namespace", "k8s.io"]


def loaded(layout: Layout, binaries: Path) -> set[str]:
    return set(shell.run([*ctr(layout, binaries), "images", "list", "--quiet"]).split())


def load(layout: Layout, binaries: Path, archive: Path) -> None:
    """Import one docker-archive or OCI tar under the names written in it."""
    shell.run([*ctr(layout, binaries), "images", "import", "--local", archive], timeout_seconds=600)


def ensure(layout: Layout, cluster: dict[str, Path], provisioner: dict[str, Path]) -> None:
    """Load what containerd does not have yet."""
    binaries = cluster["ctr"].parent
    present = loaded(layout, binaries)
    wanted = images(cluster, provisioner, shell.run([BUSYBOX, "--list"]).split())
    for image in wanted:
        if image.reference not in present:
            archive = layout.images / f"{image.reference.replace('/', '_').replace(':', '_')}.tar"
            archives.write(image, archive)
            load(layout, binaries, archive)
            archive.unlink()
