"""From what a person names on the command line to archives: a tar as it is, or an image of buildah's or Docker's."""

from __future__ import annotations

import shutil
from pathlib import Path

from kozutumi_cluster import shell
from kozutumi_cluster.errors import ClusterError


def archive(name: str, folder: Path) -> Path:
    """The archive of an image; written below `folder` unless `name` is one already. Raises ClusterError."""
    if Path(name).is_file():
        return Path(name).resolve()
    target = folder / f"{name.replace('/', '_').replace(':', '_')}.tar"
    for command in export_commands(name, target):
        if shutil.which(command[0]) is not None and shell.succeeds(command, timeout_seconds=600):
            return target
    message = f"“{name}” is neither a file nor an image that buildah or Docker has: build it first."
    raise ClusterError(message)


def export_commands(name: str, target: Path) -> list[list[str]]:
    """What to try, in this order."""
    return [
        ["buildah", "--storage-driver", "overlay", "push", name, f"docker-archive:{target}:{name}"],
        ["docker", "save", "--output", str(target), name],
    ]
