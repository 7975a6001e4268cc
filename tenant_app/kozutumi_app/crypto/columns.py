"""Sensitive columns of the database: encrypted one by one, looked up by keyed hash.

A sealed value is `format (1) ‖ key version (4, big-endian) ‖ nonce (12, random) ‖ AES-256-GCM ciphertext and tag`.
Random nonces under one key allow 2^32 values for each key version (SP 800-38D §8.3).
"""

from __future__ import annotations

import hmac
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kozutumi_app.crypto.encoding import FORMAT, NONCE_BYTES, CryptoError, derive, encode
from kozutumi_contract.keyring import KeyRing, KeyRingError

_HEADER_BYTES: Final = 5
_COLUMNS: Final = "kozutumi columns v1"
_AUDIT: Final = "kozutumi audit v1"
_INDEX: Final = "kozutumi index v1"


class Columns:
    """Seals with the ring's active key and opens with whichever key sealed."""

    def __init__(self, ring: KeyRing) -> None:
        self._active = ring.active
        self._ciphers = {
            number: AESGCM(derive(version.key.reveal(), _COLUMNS)) for number, version in ring.keys.items()
        }
        self._audit = AESGCM(derive(ring.audit.reveal(), _AUDIT))
        self._index_key = ring.index.reveal()
        self.header = _header(ring.active)  # what a value sealed now begins with

    def seal(self, table: str, column: str, row_id: str, text: str) -> bytes:
        header, nonce = _header(self._active), os.urandom(NONCE_BYTES)
        bound = encode(_COLUMNS, header, table, column, row_id)
        return header + nonce + self._ciphers[self._active].encrypt(nonce, text.encode(), bound)

    def open(self, table: str, column: str, row_id: str, sealed: bytes) -> str:
        """Return the text. CryptoError if it was altered or moved; KeyRingError if its key is not in the ring."""
        header, number = _split(sealed)
        if number not in self._ciphers:
            raise KeyRingError(f"key version {number} is not in the key ring; restore the ring from its escrow")
        return _decrypt(self._ciphers[number], sealed, encode(_COLUMNS, header, table, column, row_id))

    def index(self, purpose: str, text: str) -> bytes:
        """HMAC-SHA-256 (FIPS 198-1) under the index key. The caller normalizes `text`."""
        return hmac.digest(self._index_key, encode(_INDEX, purpose, text), "sha256")

    def seal_audit(self, event_id: str, text: str) -> bytes:
        """Seal the personal part of an audit event under the audit key, which never rotates (key version 0)."""
        header, nonce = _header(0), os.urandom(NONCE_BYTES)
        return header + nonce + self._audit.encrypt(nonce, text.encode(), encode(_AUDIT, header, event_id))

    def open_audit(self, event_id: str, sealed: bytes) -> str:
        header, number = _split(sealed)
        if number != 0:
            raise CryptoError("this is not the sealed part of an audit event")
        return _decrypt(self._audit, sealed, encode(_AUDIT, header, event_id))


def _header(version: int) -> bytes:
    return bytes([FORMAT]) + version.to_bytes(4, "big")


def _split(sealed: bytes) -> tuple[bytes, int]:
    if len(sealed) < _HEADER_BYTES + NONCE_BYTES or sealed[0] != FORMAT:
        raise CryptoError("a sealed value is damaged or of an unknown format")
    header = sealed[:_HEADER_BYTES]
    return header, int.from_bytes(header[1:], "big")


def _decrypt(cipher: AESGCM, sealed: bytes, bound: bytes) -> str:
    nonce, ciphertext = sealed[_HEADER_BYTES : _HEADER_BYTES + NONCE_BYTES], sealed[_HEADER_BYTES + NONCE_BYTES :]
    try:
        return cipher.decrypt(nonce, ciphertext, bound).decode()
    except InvalidTag:
        raise CryptoError("a sealed value was altered, or belongs to another place") from None
