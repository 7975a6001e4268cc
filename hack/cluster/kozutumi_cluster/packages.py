"""Programs that come from Debian: what is missing is said first, then installed with apt."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from kozutumi_cluster import shell
from kozutumi_cluster.errors import ClusterError
from kozutumi_cluster.progress import Progress

# Package → a file or a command that shows it is there, whoever installed it.
NEEDED = {
    "runc": "runc",
    "containernetworking-plugins": "/usr/lib/cni/bridge",
    "iptables": "iptables",
    "ipset": "ipset",
    "conntrack": "conntrack",
    "iproute2": "ip",
    "kmod": "modprobe",
    "util-linux": "nsenter",
    "busybox-static": "/bin/busybox",
    "mmdebstrap": "mmdebstrap",
    "buildah": "buildah",
}

# What the tests run beside the cluster: a real scanner, a real browser, a capture of the wire, tus-js-client in Node,
# the relay's script.
FOR_TESTS = {
    "clamav-daemon": "clamd",
    "clamav-freshclam": "freshclam",
    "chromium": "chromium",
    "fonts-noto-cjk": "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "tcpdump": "tcpdump",
    "iputils-ping": "ping",
    "nodejs": "node",
    "npm": "npm",
    "curl": "curl",
}


def missing(needed: Mapping[str, str] = NEEDED) -> list[str]:
    return [package for package, sign in needed.items() if not _present(sign)]


def _present(sign: str) -> bool:
    return Path(sign).exists() if sign.startswith("/") else shutil.which(sign) is not None


def ensure(progress: Progress, needed: Mapping[str, str] = NEEDED) -> None:
    """Install what is missing. Raises ClusterError naming the packages where there is no apt to do it."""
    absent = missing(needed)
    if not absent:
        return
    if shutil.which("apt-get") is None:
        message = f"Please install what is missing (named here as in Debian): {' '.join(absent)}."
        raise ClusterError(message)
    progress.say(f"These Debian packages are missing and will be installed with apt: {' '.join(absent)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with progress.step("Installing Debian packages", expected_seconds=60):
        install = ["apt-get", "install", "--yes", "--no-install-recommends", *absent]
        shell.run(["apt-get", "update"], environment=environment, timeout_seconds=600)
        shell.run(install, environment=environment, timeout_seconds=1800)
    if still := missing(needed):
        message = f"apt installed its packages, but these are still not found: {' '.join(still)}."
        raise ClusterError(message)
