"""The cluster's folder under every cgroup hierarchy of the host (version 1, 2 or both)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_MOUNTS = Path("/proc/self/mounts")


@dataclass(frozen=True)
class Hierarchy:
    path: Path
    version: int
    options: frozenset[str]


def hierarchies(mounts: str) -> list[Hierarchy]:
    """Every cgroup mount in the text of /proc/self/mounts."""
    found = []
    for line in mounts.splitlines():
        _, path, kind, options, *_ = line.split()
        if kind in {"cgroup", "cgroup2"}:
            found.append(Hierarchy(Path(path), 2 if kind == "cgroup2" else 1, frozenset(options.split(","))))
    return found


def present() -> list[Hierarchy]:
    return hierarchies(_MOUNTS.read_text())


def create(name: str) -> None:
    """The kubelet expects its root folder to exist under every hierarchy."""
    for hierarchy in present():
        folder = hierarchy.path / name
        if hierarchy.version == 2:
            _delegate(hierarchy.path)
        folder.mkdir(exist_ok=True)
        if hierarchy.version == 2:
            _delegate(folder)
        elif "cpuset" in hierarchy.options:
            # An empty cpuset takes no process; version 1 does not inherit by itself.
            for file in ("cpuset.cpus", "cpuset.mems"):
                (folder / file).write_text((hierarchy.path / file).read_text().strip())


def _delegate(folder: Path) -> None:
    for controller in (folder / "cgroup.controllers").read_text().split():
        (folder / "cgroup.subtree_control").write_text(f"+{controller}")


def folders(name: str) -> Iterator[Path]:
    """All folders of the cluster, each after what is in it, as rmdir needs them. Pods may come and go meanwhile."""
    for hierarchy in present():
        for folder, _, _ in os.walk(hierarchy.path / name, topdown=False):
            yield Path(folder)


def processes(name: str) -> set[int]:
    """Host process ids in any folder of the cluster."""
    found: set[int] = set()
    for folder in folders(name):
        try:
            found |= {int(pid) for pid in (folder / "cgroup.procs").read_text().split()}
        except OSError:
            continue  # Removed between the listing and the reading.
    return found - {0}


def remove(name: str) -> None:
    """Remove what can be removed now; a folder whose last process is still ending stays for the next try."""
    for folder in folders(name):
        try:
            folder.rmdir()
        except OSError:
            continue
