"""Debian with Python as a base image, from Debian's packages alone: for machines that reach no image registry."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from kozutumi_cluster import layout, shell
from kozutumi_cluster.progress import Progress

SUITE = "bookworm"
_COMMAND = (
    "mmdebstrap",
    "--quiet",
    "--variant=minbase",
    "--include=ca-certificates,python3,python3-venv",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    SUITE,
)
_CONTAINERFILE = "FROM scratch\nADD base.tar /\n"


def key() -> str:
    return hashlib.sha256("\n".join((*_COMMAND, _CONTAINERFILE)).encode()).hexdigest()[:20]


def ensure(progress: Progress) -> str:
    """Name of the base image in buildah's storage; made first where it is missing. Raises ClusterError."""
    reference = f"localhost/kozutumi-base:{key()}"
    environment = {**os.environ, "BUILDAH_ISOLATION": "chroot", "STORAGE_DRIVER": "overlay"}
    known = shell.run(["buildah", "images", "--format", "{{.Name}}:{{.Tag}}"], environment=environment)
    if reference in known.split():
        return reference
    folder = layout.cache_home() / "images"
    folder.mkdir(parents=True, exist_ok=True)
    with (
        progress.step(f"Making a base image of Debian {SUITE}", expected_seconds=50),
        tempfile.TemporaryDirectory(prefix="kozutumi-base-", dir=folder) as build,
    ):
        shell.run([*_COMMAND, str(Path(build) / "base.tar")], timeout_seconds=1200)
        (Path(build) / "Containerfile").write_text(_CONTAINERFILE, encoding="utf-8")
        shell.run(["buildah", "build", "--quiet", "--tag", reference, build], environment=environment)
    return reference
