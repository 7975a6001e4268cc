"""Images of one static program each, written as docker-archive tars without any container tool.

The format is that of `docker save` (moby's image specification v1.2): a manifest, a configuration, and one layer.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

_NOBODY = 65534


@dataclass(frozen=True)
class Image:
    """`programs`: path in the image → file on this machine; `links`: symbolic link → target; `folders`: path → mode."""

    reference: str
    entrypoint: Sequence[str]
    programs: Mapping[str, Path]
    links: Mapping[str, str] = field(default_factory=dict)
    folders: Mapping[str, int] = field(default_factory=dict)
    user: str = f"{_NOBODY}:{_NOBODY}"


def layer(image: Image) -> bytes:
    """An uncompressed tar with all times zero, so that the same input always makes the same image."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for folder, mode in sorted({**_parents([*image.programs, *image.links]), **image.folders}.items()):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            tar.addfile(entry)
        for path, source in sorted(image.programs.items()):
            content = source.read_bytes()
            entry = tarfile.TarInfo(path)
            entry.mode, entry.size = 0o755, len(content)
            tar.addfile(entry, io.BytesIO(content))
        for path, target in sorted(image.links.items()):
            entry = tarfile.TarInfo(path)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
    return buffer.getvalue()


def write(image: Image, target: Path) -> None:
    content = layer(image)
    configuration = json.dumps(
        {
            "architecture": architecture(),
            "os": "linux",
            "config": {"Entrypoint": list(image.entrypoint), "User": image.user, "Env": ["PATH=/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(content).hexdigest()}"]},
            "history": [{"created_by": "kozutumi_cluster"}],
        },
        sort_keys=True,
    ).encode()
    name = f"{hashlib.sha256(configuration).hexdigest()}.json"
    manifest = json.dumps([{"Config": name, "RepoTags": [image.reference], "Layers": ["layer.tar"]}]).encode()
    with tarfile.open(target, mode="w") as tar:
        for path, data in ((name, configuration), ("layer.tar", content), ("manifest.json", manifest)):
            entry = tarfile.TarInfo(path)
            entry.mode, entry.size = 0o644, len(data)
            tar.addfile(entry, io.BytesIO(data))


def architecture() -> str:
    """Architecture of this machine in the words of images (and of Go)."""
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def _parents(paths: Sequence[str]) -> dict[str, int]:
    return {str(parent): 0o755 for path in paths for parent in PurePosixPath(path).parents if str(parent) != "."}
