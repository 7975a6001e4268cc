"""The one encoding of associated data and key contexts: no two different lists of fields share an encoding."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FORMAT: Final = 1
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12  # SP 800-38D §5.2.1.1
TAG_BYTES: Final = 16


class CryptoError(ValueError):
    """What was stored is damaged, foreign, out of place or of an unknown format. Nothing of it is released."""


def encode(*fields: bytes | str) -> bytes:
    """Format number (1 byte), then each field as its length (4 bytes, big-endian) and its bytes; text is UTF-8."""
    parts = [bytes([FORMAT])]
    for field in fields:
        raw = field.encode() if isinstance(field, str) else field
        parts += (len(raw).to_bytes(4, "big"), raw)
    return b"".join(parts)


def derive(key: bytes, *context: bytes | str, salt: bytes | None = None) -> bytes:
    """HKDF-SHA-256 (RFC 5869, SP 800-56C) of 32 bytes, with the encoded `context` as info."""
    return HKDF(SHA256(), KEY_BYTES, salt, encode(*context)).derive(key)
