"""Taking the cluster's network plugin out of work, as on a cluster whose plugin ignores NetworkPolicy."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kozutumi_cluster.layout import Layout

PROGRAM = "kube-router"
CHAINS = ("KUBE-ROUTER-FORWARD", "KUBE-ROUTER-INPUT", "KUBE-ROUTER-OUTPUT")


@contextmanager
def stopped(layout: Layout) -> Iterator[None]:
    """While it lasts no policy is enforced. Afterwards the supervisor starts the engine anew, which writes all rules."""
    process = engine(layout)
    os.kill(process, signal.SIGSTOP)
    try:
        for chain in CHAINS:
            command = ["nsenter", f"--net={layout.netns}", "iptables", "--wait", "--flush", chain]
            subprocess.run(command, check=True)  # noqa: S603 - fixed words
        yield
    finally:
        os.kill(process, signal.SIGKILL)


def engine(layout: Layout) -> int:
    """Its process id as this host counts: the one in the network namespace of this cluster's node."""
    node = layout.netns.stat().st_ino
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and _is(folder, node):
            return int(folder.name)
    raise LookupError(f"no {PROGRAM} runs in {layout.netns}")


def _is(folder: Path, node: int) -> bool:
    try:
        words = (folder / "cmdline").read_bytes().split(b"\0")
        return Path(words[0].decode()).name == PROGRAM and (folder / "ns/net").stat().st_ino == node
    except OSError:
        return False
