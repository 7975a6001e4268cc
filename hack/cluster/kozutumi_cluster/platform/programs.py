"""Images of the platform's own Go programs: one static binary each, named by its content."""

from __future__ import annotations

import hashlib
from pathlib import Path

from kozutumi_cluster import archives, binaries, layout
from kozutumi_cluster.archives import Image
from kozutumi_cluster.images import ImageRef
from kozutumi_cluster.platform import pods
from kozutumi_cluster.progress import Progress

PROGRAMS = {"versitygw": "cluster", "mailpit": "mailpit", "smokescreen": "smokescreen"}
"""Program → the Go module it is built from."""


def ensure(progress: Progress) -> dict[str, ImageRef]:
    """Image of each program by its name, written where the cache has none. Raises ClusterError."""
    return {name: image(name, binaries.ensure(module, progress)[name]) for name, module in PROGRAMS.items()}


def image(name: str, binary: Path) -> ImageRef:
    """The image of one program, written where the cache has none."""
    found = reference(name, binary)
    if not found.archive.exists():
        unfinished = found.archive.with_suffix(".partial")
        unfinished.parent.mkdir(parents=True, exist_ok=True)
        user = f"{pods.USER}:{pods.USER}"
        archives.write(Image(found.reference, (f"/{name}",), {name: binary}, user=user), unfinished)
        unfinished.replace(found.archive)
    return found


def reference(name: str, binary: Path) -> ImageRef:
    tag = hashlib.sha256(binary.read_bytes()).hexdigest()[:20]
    return ImageRef(f"localhost/kozutumi-{name}:{tag}", layout.cache_home() / "images" / f"{name}-{tag}.tar")
