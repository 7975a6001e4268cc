"""The mirror's side: from a seed folder (and freshclam's downloads) to published files and a signed manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from kozutumi_scanner import databases, eicar, files, manifest
from kozutumi_scanner.manifest import File, Manifest

EICAR_NAME: Final = "Kozutumi.Test.Eicar"


class SeedError(ValueError):
    """The seed folder holds something that cannot be published."""


@dataclass(frozen=True, slots=True)
class Seed:
    """`published` and `version` are None unless files of these names say otherwise."""

    signatures: bytes
    version: str | None
    published: datetime | None


@dataclass(frozen=True, slots=True)
class Published:
    """What the server may give away: the manifest's bytes, and the names of the files it lists."""

    manifest: bytes
    names: frozenset[str]


def read_seed(folder: Path) -> Seed:
    """Join our built-in signatures and the folder's `*.ndb`."""
    lines = [builtin()]
    for path in sorted(folder.glob("*.ndb")):
        lines += [line.strip() + b"\n" for line in path.read_bytes().splitlines() if line.strip()]
    published = _optional(folder / "published")
    return Seed(b"".join(lines), _optional(folder / "version"), _time(published) if published else None)


def builtin() -> bytes:
    """EICAR, which the scanners' self-test looks for, and `opaque.ndb`: containers that clamd takes for plain data."""
    opaque = (resources.files("kozutumi_scanner") / "opaque.ndb").read_bytes()
    return f"{EICAR_NAME}:0:*:{eicar.test_file().hex()}\n".encode() + opaque


def publish(
    folder: Path, seed: Seed, key: ec.EllipticCurvePrivateKey, *, checked: datetime, digest: Callable[[Path], str]
) -> Published:
    """Write the seed's signatures into `folder` and sign a manifest over every database in it.

    `checked`: the last time at which these were known to be the newest.
    """
    own = folder / databases.CUSTOM
    if not own.exists() or own.read_bytes() != seed.signatures:
        files.replace(own, seed.signatures)
    listed = {path.name: File(digest(path), path.stat().st_size) for path in databases.find(folder)}
    version = seed.version or hashlib.sha256("".join(file.sha256 for file in listed.values()).encode()).hexdigest()[:12]
    made = Manifest(version, seed.published or checked, listed)
    return Published(manifest.serialize(made, key), frozenset(listed))


def _optional(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise SeedError("the seed's `published` is not an RFC 3339 time") from None
    return time.replace(tzinfo=time.tzinfo or UTC)
