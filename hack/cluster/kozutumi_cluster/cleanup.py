"""Taking one cluster away completely, and naming whatever is still there."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import time
from pathlib import Path

from kozutumi_cluster import cgroups, processes, shell
from kozutumi_cluster.errors import ClusterError
from kozutumi_cluster.layout import Layout

_PATIENCE_SECONDS = 20.0
_PAUSE_SECONDS = 0.1
_MOUNTINFO = Path("/proc/self/mountinfo")


def leftovers(name: str) -> list[str]:
    """One line for each thing of the cluster that still exists on this machine. Empty after `down`."""
    layout = Layout.of(name)
    found = running_leftovers(layout)
    found += [f"folder {path}" for path in (layout.state, layout.lock) if path.exists()]
    return found


def running_leftovers(layout: Layout) -> list[str]:
    """All but the state on disk."""
    found = [str(process) for process in processes.of_cluster(layout)]
    if layout.netns.exists():
        found.append(f"network namespace {layout.netns_name}")
    if _link_exists(layout):
        found.append(f"link {layout.link}")
    found += [f"mount {path}" for path in mounts_below(layout.state, _MOUNTINFO.read_text())]
    found += [f"cgroup {folder}" for folder in cgroups.folders(layout.cgroup)]
    if shutil.which("iptables-save") is not None:
        rules = shell.run(["iptables-save"])
        found += [f"iptables rule {rule}" for rule in rules.splitlines() if layout.link in rule.split()]
    return found


def mounts_below(folder: Path, mountinfo: str) -> list[Path]:
    """Mount points at or below `folder`, the deepest first (field 5 of proc(5) mountinfo, octal escapes)."""
    points = [Path(_unescape(line.split()[4])) for line in mountinfo.splitlines()]
    inside = [point for point in points if point.is_relative_to(folder)]
    return sorted(inside, key=lambda point: len(point.parts), reverse=True)


def _unescape(text: str) -> str:
    for octal, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(octal, character)
    return text


def stop(layout: Layout) -> None:
    """End everything of the cluster that runs; keep its state. Raises ClusterError naming what would not go."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    remaining = running_leftovers(layout)
    while remaining:
        _kill(layout)
        _unplug(layout)
        cgroups.remove(layout.cgroup)
        remaining = running_leftovers(layout)
        if remaining and time.monotonic() > deadline:
            message = f"The cluster “{layout.name}” could not be stopped completely: {'; '.join(remaining)}."
            raise ClusterError(message)
        if remaining:
            time.sleep(_PAUSE_SECONDS)


def remove(layout: Layout) -> None:
    """Stop the cluster and delete its state. May be called again and again, also when there is nothing."""
    stop(layout)
    if layout.state.exists():
        shutil.rmtree(layout.state)
    with contextlib.suppress(OSError):
        layout.clusters.rmdir()


def _kill(layout: Layout) -> None:
    """First what keeps the namespaces alive, as it takes the rest along; what is left, one by one."""
    launchers = processes.launchers(layout)
    for process in launchers or processes.of_cluster(layout):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


def _unplug(layout: Layout) -> None:
    for point in mounts_below(layout.state, _MOUNTINFO.read_text()):
        shell.run(["umount", "--lazy", point])
    if _link_exists(layout):
        with contextlib.suppress(ClusterError):  # It may go at any moment with its other end.
            shell.run(["ip", "link", "delete", layout.link])
    if layout.netns.exists() and not processes.of_cluster(layout):
        shell.run(["ip", "netns", "delete", layout.netns_name])


def _link_exists(layout: Layout) -> bool:
    if shutil.which("ip") is None:
        return False
    return any(link["ifname"] == layout.link for link in json.loads(shell.run(["ip", "-json", "link"]) or "[]"))
