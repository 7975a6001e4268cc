"""The manifest: which segments, in which order, make the file, and that there are no others.

Object `<file id>/<manifest id>`: `format (1) ‖ nonce (12, random) ‖ AES-256-GCM of JSON (UTF-8) and tag`.
"""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kozutumi_app.crypto.encoding import FORMAT, NONCE_BYTES, CryptoError, derive, encode
from kozutumi_app.crypto.segments import MAX_BYTES, SALT_BYTES, Segment
from kozutumi_contract.secret import Secret

MAX_SEGMENTS: Final = 65_536
_CONTEXT: Final = "kozutumi manifest v1"


@dataclass(frozen=True, slots=True)
class Manifest:
    """`total` is the file's size in bytes: the sum of its segments' lengths."""

    name: str
    media_type: str
    total: int
    segments: tuple[Segment, ...]


def object_key(file_id: str, manifest_id: str) -> str:
    return f"{file_id}/{manifest_id}"


def seal(
    key: Secret[bytes],
    tenant: str,
    file_id: str,
    manifest_id: str,
    manifest: Manifest,
    *,
    nonce: bytes | None = None,
) -> bytes:
    """Seal under a key of the file's manifests alone. Only test vectors pass `nonce`."""
    _check(manifest)
    nonce = nonce or os.urandom(NONCE_BYTES)
    text = json.dumps(_document(manifest), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    cipher = AESGCM(derive(key.reveal(), _CONTEXT, file_id))
    sealed = cipher.encrypt(nonce, text.encode(), encode(_CONTEXT, tenant, file_id, manifest_id))
    return bytes([FORMAT]) + nonce + sealed


def unseal(key: Secret[bytes], tenant: str, file_id: str, manifest_id: str, sealed: bytes) -> Manifest:
    """Return the manifest; CryptoError if it was altered, belongs elsewhere or does not add up."""
    if len(sealed) <= 1 + NONCE_BYTES or sealed[0] != FORMAT:
        raise CryptoError("the manifest is damaged or of an unknown format")
    cipher = AESGCM(derive(key.reveal(), _CONTEXT, file_id))
    nonce, ciphertext = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
    try:
        text = cipher.decrypt(nonce, ciphertext, encode(_CONTEXT, tenant, file_id, manifest_id))
    except InvalidTag:
        raise CryptoError("the manifest was altered, or belongs to another file or organization") from None
    return _parse(json.loads(text))


def _document(manifest: Manifest) -> dict[str, Any]:
    segments = [
        {"id": segment.id, "salt": base64.b64encode(segment.salt).decode("ascii"), "length": segment.length}
        for segment in manifest.segments
    ]
    return {
        "name": manifest.name,
        "media_type": manifest.media_type,
        "total": manifest.total,
        "segments": segments,
    }


def _parse(document: dict[str, Any]) -> Manifest:
    segments = tuple(
        Segment(entry["id"], base64.b64decode(entry["salt"], validate=True), entry["length"])
        for entry in document["segments"]
    )
    manifest = Manifest(document["name"], document["media_type"], document["total"], segments)
    _check(manifest)
    return manifest


def _check(manifest: Manifest) -> None:
    if len(manifest.segments) > MAX_SEGMENTS:
        raise CryptoError(f"a file has at most {MAX_SEGMENTS} segments")
    if any(not 0 < s.length <= MAX_BYTES or len(s.salt) != SALT_BYTES for s in manifest.segments):
        raise CryptoError("the manifest names a segment of impossible length or salt")
    if len({segment.id for segment in manifest.segments}) != len(manifest.segments):
        raise CryptoError("the manifest names a segment twice")
    if sum(segment.length for segment in manifest.segments) != manifest.total:
        raise CryptoError("the manifest's segments do not add up to its total")
