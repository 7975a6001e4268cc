"""What a machine must have, asked before anything is changed; one line for each thing that is wrong.

Ports are not asked about: the node listens only in a network namespace of its own, at an address that `addresses`
chose because nothing else on the machine uses its range.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kozutumi_cluster.errors import ClusterError
from kozutumi_cluster.layout import Layout

DISK_BYTES = 15 * 10**9
MEMORY_BYTES = 6 * 1024**3
_KERNEL_FEATURES = ("overlay", "cgroup")


@dataclass(frozen=True)
class Machine:
    """What was found on this machine. Sizes in bytes."""

    user_id: int
    disk_free: int
    memory_total: int
    state_file_system: str
    file_systems: frozenset[str]
    state: Path


def problems(machine: Machine) -> list[str]:
    """Pure: the complaints about a machine, each with what to do."""
    found = []
    if machine.user_id != 0:
        found.append("The node needs root (namespaces, mounts, cgroups): run this as root or with sudo.")
    if machine.disk_free < DISK_BYTES:
        needed = f"{DISK_BYTES // 10**9} GB of free disk are needed under {machine.state}"
        found.append(f"{needed}, {machine.disk_free / 10**9:.1f} GB are free: make room or set XDG_STATE_HOME.")
    if machine.memory_total < MEMORY_BYTES:
        has = f"this machine has {machine.memory_total / 1024**3:.1f} GiB"
        found.append(f"{MEMORY_BYTES // 1024**3} GiB of memory are needed, {has}.")
    if machine.state_file_system == "overlay":
        where = f"{machine.state} lies on overlayfs, on which containers' layers cannot be stacked"
        found.append(f"{where}: set XDG_STATE_HOME to a folder on ext4, xfs or btrfs.")
    missing = [name for name in _KERNEL_FEATURES if not _has(machine.file_systems, name)]
    if missing:
        found.append(f"The kernel lacks {' and '.join(missing)} file systems: load the modules or use another kernel.")
    return found


def _has(file_systems: frozenset[str], name: str) -> bool:
    return name in file_systems or (name == "cgroup" and "cgroup2" in file_systems)


def file_system_of(path: Path, mounts: str) -> str:
    """Type of the file system that holds `path`, from the text of /proc/self/mounts (the last mount wins)."""
    best, kind = -1, ""
    for line in mounts.splitlines():
        _, point, mounted, *_ = line.split()
        where = Path(point)
        if path.is_relative_to(where) and len(where.parts) >= best:
            best, kind = len(where.parts), mounted
    return kind


def inspect(layout: Layout) -> Machine:
    existing = layout.state
    while not existing.exists():
        existing = existing.parent
    page = os.sysconf("SC_PAGE_SIZE")
    listed = Path("/proc/filesystems").read_text().split("\n")
    return Machine(
        user_id=os.geteuid(),
        disk_free=shutil.disk_usage(existing).free,
        memory_total=page * os.sysconf("SC_PHYS_PAGES"),
        state_file_system=file_system_of(existing.resolve(), Path("/proc/self/mounts").read_text()),
        file_systems=frozenset(line.split("\t")[-1] for line in listed if line),
        state=layout.state,
    )


def require(found: Iterable[str]) -> None:
    """Raises ClusterError with all complaints at once, one line each."""
    if lines := list(found):
        raise ClusterError("\n".join(lines))
