"""The signature databases in a folder: which they are, and whether they are what a manifest lists."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from kozutumi_scanner.manifest import Manifest

CUSTOM: Final = "kozutumi.ndb"
SUFFIXES: Final = (".ndb", ".cvd", ".cld")

Fingerprint = tuple[tuple[str, int, int, int], ...]


def find(folder: Path) -> list[Path]:
    """Databases that clamd would load, by name. A folder that does not exist holds none."""
    try:
        return sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES and path.is_file())
    except FileNotFoundError:
        return []


def fingerprint(folder: Path) -> Fingerprint:
    """Cheap to take, and different after any replacement: name, inode, size and time of each database."""
    stats = ((path.name, path.stat()) for path in find(folder))
    return tuple((name, stat.st_ino, stat.st_size, stat.st_mtime_ns) for name, stat in stats)


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 in hex of each database."""
    return {path.name: digest(path) for path in find(folder)}


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def expected(mirror_databases: Iterable[str]) -> list[str]:
    """File names that a scanner loads: our own signatures, and `<name>.cvd` of each vendor database."""
    return [CUSTOM, *(f"{name}.cvd" for name in mirror_databases)]


def match(manifest: Manifest, loaded: Mapping[str, str], names: Iterable[str]) -> bool:
    """Tell whether each of `names` is listed in the manifest and loaded with exactly those bytes."""
    return all(name in manifest.files and loaded.get(name) == manifest.files[name].sha256 for name in names)
