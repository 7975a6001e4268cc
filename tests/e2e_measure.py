"""Looking at the cluster from below: memory of a container, traffic of a pod, and what lies on the disk."""

from __future__ import annotations

import re
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from kozutumi_cluster import shell
from kozutumi_cluster.layout import Layout

CGROUPS = Path("/sys/fs/cgroup")


def container_cgroup(pod: dict[str, Any], container: str) -> Path:
    """The memory cgroup of a container, found by its id below whichever hierarchy this host has."""
    statuses = pod["status"]["containerStatuses"]
    identifier = next(entry["containerID"].rsplit("/", 1)[1] for entry in statuses if entry["name"] == container)
    for root in (CGROUPS / "memory", CGROUPS):
        for path in root.rglob(f"*{identifier}*"):
            if path.is_dir():
                return path
    raise LookupError(f"no cgroup of container {identifier}")


def working_set(cgroup: Path) -> int:
    """Bytes, as the kubelet counts them: usage without inactive file pages."""
    usage = next(path for name in ("memory.usage_in_bytes", "memory.current") if (path := cgroup / name).exists())
    stat = dict(line.split() for line in (cgroup / "memory.stat").read_text().splitlines())
    inactive = int(stat.get("total_inactive_file", stat.get("inactive_file", 0)))
    return max(0, int(usage.read_text()) - inactive)


class MemorySampler:
    """Samples a container's working set ten times a second while the block runs; `peak` is in bytes."""

    def __init__(self, cgroup: Path) -> None:
        self.peak = 0
        self.samples = 0
        self._cgroup = cgroup
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stop.wait(0.1):
            self.peak = max(self.peak, working_set(self._cgroup))
            self.samples += 1


def host_link(layout: Layout, pod_address: str) -> str:
    """The node's end of a pod's veth pair: the neighbour's MAC, then the bridge port behind which it was learnt."""
    inside = ["nsenter", f"--net={layout.netns}"]
    subprocess.run([*inside, "ping", "-c1", "-W1", pod_address], check=False, capture_output=True)  # noqa: S603 - fills the neighbour table
    neighbours = shell.run([*inside, "ip", "neigh", "show", pod_address])
    found = re.search(r"lladdr (\S+)", neighbours)
    if not found:
        raise LookupError(f"{pod_address} is no neighbour: {neighbours}")
    for line in shell.run([*inside, "bridge", "fdb", "show"]).splitlines():
        if line.startswith(found.group(1)) and "self" not in line:
            return line.split(" dev ", 1)[1].split()[0]
    raise LookupError(f"no bridge port knows {found.group(1)}")


@contextmanager
def capture(layout: Layout, links: Sequence[str], folder: Path) -> Iterator[dict[str, Path]]:
    """Whole packets of each link, one pcap file each, while the block runs."""
    files = {link: folder / f"{link}.pcap" for link in links}
    inside = ["nsenter", f"--net={layout.netns}", "tcpdump", "-Z", "root", "-U", "-s0", "-B", "65536"]
    processes = [
        subprocess.Popen([*inside, "-i", link, "-w", str(path)], stderr=subprocess.PIPE, text=True)  # noqa: S603 - fixed words
        for link, path in files.items()
    ]
    try:
        for process in processes:
            assert process.stderr is not None
            assert "listening" in process.stderr.readline()
        yield files
    finally:
        time.sleep(1)
        for process in processes:
            process.terminate()
            _, said = process.communicate()
            print(" ".join(said.split()))  # how many packets the kernel dropped, for the note


def files_holding(needles: Sequence[bytes], roots: Sequence[Path], *, scratch: Path) -> list[str]:
    """Every file below `roots` that holds one of `needles` anywhere, special files aside."""
    assert all(b"\n" not in needle and needle for needle in needles)
    patterns = scratch / "needles"
    patterns.write_bytes(b"\n".join(needles) + b"\n")
    found = subprocess.run(  # noqa: S603 - fixed words
        [
            "grep",
            "--recursive",
            "--files-with-matches",
            "--text",
            "--fixed-strings",
            "--devices=skip",
            "-f",
            str(patterns),
        ]
        + [str(root) for root in roots],
        capture_output=True,
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
        check=False,
        text=True,
    )
    assert found.returncode in {0, 1, 2}, found.stderr
    return found.stdout.splitlines()
