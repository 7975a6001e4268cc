"""The signature mirror's manifest: what is published, since when it is known to be current, and who says so.

Format 1: `{"format":1,"version","published","files":{name:{"sha256","size"}},"signature"}`. The signature is
ECDSA P-256 with SHA-256 (FIPS 186-5 §6) over the document without it, as JSON with sorted keys and no spaces, in base64.
A reader refuses another format; fields may be added.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

FORMAT: Final = 1
MAXIMUM_BYTES: Final = 64 * 1024
FILE_NAME: Final = "manifest.json"
_NAME: Final = re.compile(r"[a-z0-9][-a-z0-9]{0,62}\.(ndb|cvd|cld)")
_ALGORITHM: Final = ec.ECDSA(hashes.SHA256())


class ManifestError(ValueError):
    """The manifest is damaged, unsigned or of an unknown format. It says nothing then."""


@dataclass(frozen=True, slots=True)
class File:
    """`sha256` is lowercase hex; `size` is bytes."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """`published` is the last time (UTC) at which the mirror knew `files` to be the newest there are."""

    version: str
    published: datetime
    files: Mapping[str, File]


def serialize(manifest: Manifest, key: ec.EllipticCurvePrivateKey) -> bytes:
    document: dict[str, Any] = {
        "format": FORMAT,
        "version": manifest.version,
        "published": manifest.published.astimezone(UTC).isoformat(timespec="seconds"),
        "files": {name: {"sha256": file.sha256, "size": file.size} for name, file in manifest.files.items()},
    }
    document["signature"] = base64.b64encode(key.sign(_canonical(document), _ALGORITHM)).decode("ascii")
    return _canonical(document)


def parse(data: bytes, key: ec.EllipticCurvePublicKey) -> Manifest:
    """Verify, then read. Raises ManifestError."""
    if len(data) > MAXIMUM_BYTES:
        raise ManifestError("the manifest is larger than 64 KiB")
    document = _verified(data, key)
    if document.get("format") != FORMAT:
        raise ManifestError(f"the manifest is not of format {FORMAT}")
    version, files = document.get("version"), document.get("files")
    if not isinstance(version, str) or not version or not isinstance(files, dict) or not files:
        raise ManifestError("the manifest names no version or no files")
    return Manifest(version, _time(document.get("published")), {name: _file(name, raw) for name, raw in files.items()})


def _verified(data: bytes, key: ec.EllipticCurvePublicKey) -> dict[str, Any]:
    try:
        document = json.loads(data)
        signature = base64.b64decode(document.pop("signature"), validate=True)
        key.verify(signature, _canonical(document), _ALGORITHM)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, binascii.Error):
        raise ManifestError("the manifest is damaged or not signed") from None
    except InvalidSignature:
        raise ManifestError("the manifest is not signed by this platform's mirror") from None
    if not isinstance(document, dict):
        raise ManifestError("the manifest is not an object")
    return document


def _canonical(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _time(value: Any) -> datetime:
    try:
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ManifestError("the manifest has no time of publication") from None
    if time.tzinfo is None:
        raise ManifestError("the manifest's time of publication has no time zone")
    return time.astimezone(UTC)


def _file(name: Any, raw: Any) -> File:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ManifestError("the manifest names a file that is no signature database")
    digest, size = (raw.get("sha256"), raw.get("size")) if isinstance(raw, dict) else (None, None)
    if (
        not isinstance(digest, str)
        or not re.fullmatch(r"[0-9a-f]{64}", digest)
        or not isinstance(size, int)
        or size < 0
    ):
        raise ManifestError(f"the manifest's entry of {name} is damaged")
    return File(digest, size)
