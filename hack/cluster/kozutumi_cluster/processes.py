"""Finding the processes of one cluster without trusting any recorded process id."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kozutumi_cluster import cgroups
from kozutumi_cluster.layout import Layout

SUPERVISOR_MODULE = "kozutumi_cluster.supervisor"
_PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    pid: int
    argv: tuple[str, ...]

    def __str__(self) -> str:
        return f"process {self.pid} ({' '.join(self.argv)[:80] or '?'})"


def is_supervisor(argv: tuple[str, ...], layout: Layout) -> bool:
    """Whether the words are those of this cluster's `unshare` or supervisor (and of no other cluster's)."""
    if SUPERVISOR_MODULE not in argv:
        return False
    rest = argv[argv.index(SUPERVISOR_MODULE) + 1 :]
    return rest == supervisor_arguments(layout)


def supervisor_arguments(layout: Layout) -> tuple[str, ...]:
    return ("--name", layout.name, "--state", str(layout.state))


def of_cluster(layout: Layout) -> list[Process]:
    """Everything in the cluster's network namespace or cgroups, and its `unshare` and supervisor."""
    in_cgroup = cgroups.processes(layout.cgroup)
    netns = _inode(layout.netns)
    found = []
    for process in _all():
        inside = netns is not None and _inode(_PROC / str(process.pid) / "ns/net") == netns
        if process.pid in in_cgroup or inside or is_supervisor(process.argv, layout):
            found.append(process)
    return [process for process in found if process.pid != os.getpid()]


def supervisor(layout: Layout) -> int | None:
    """Host process id of the node's process 1, or None when the node is not running."""
    for process in _all():
        if is_supervisor(process.argv, layout) and Path(process.argv[0]).name.startswith("python"):
            return process.pid
    return None


def launchers(layout: Layout) -> list[Process]:
    """The `unshare` processes (and whatever is to become one): killing them ends all the rest."""
    return [
        process
        for process in _all()
        if is_supervisor(process.argv, layout) and not Path(process.argv[0]).name.startswith("python")
    ]


def _all() -> Iterator[Process]:
    for folder in _PROC.iterdir():
        if folder.name.isdecimal():
            try:
                argv = (folder / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
            except OSError:
                continue  # It ended between the listing and the reading.
            yield Process(int(folder.name), tuple(word.decode(errors="replace") for word in argv))


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
