"""The file key (DEK), wrapped by the organization's key-encryption key, stored as the object `<file id>/key`.

`format (1) ‖ key version (4, big-endian) ‖ nonce (12, random) ‖ AES-256-GCM of the 32-byte key (48)`: 65 bytes.
"""

from __future__ import annotations

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kozutumi_app.crypto.encoding import FORMAT, KEY_BYTES, NONCE_BYTES, TAG_BYTES, CryptoError, derive, encode
from kozutumi_contract.keyring import KeyRing
from kozutumi_contract.secret import Secret

_CONTEXT: Final = "kozutumi file key v1"
_HEADER_BYTES: Final = 5
WRAPPED_BYTES: Final = _HEADER_BYTES + NONCE_BYTES + KEY_BYTES + TAG_BYTES


def object_key(file_id: str) -> str:
    return f"{file_id}/key"


def wrap(ring: KeyRing, tenant: str, file_id: str, key: Secret[bytes], *, nonce: bytes | None = None) -> bytes:
    """Wrap under the active key version. Only test vectors pass `nonce`."""
    header = bytes([FORMAT]) + ring.active.to_bytes(4, "big")
    nonce = nonce or os.urandom(NONCE_BYTES)
    cipher = AESGCM(derive(ring.active_key().key.reveal(), _CONTEXT))
    return header + nonce + cipher.encrypt(nonce, key.reveal(), encode(_CONTEXT, header, tenant, file_id))


def version(wrapped: bytes) -> int:
    """Key version that wrapped this; CryptoError if it is not a wrapped key of a known format."""
    if len(wrapped) != WRAPPED_BYTES or wrapped[0] != FORMAT:
        raise CryptoError("the wrapped file key is damaged or of an unknown format")
    return int.from_bytes(wrapped[1:_HEADER_BYTES], "big")


def unwrap(ring: KeyRing, tenant: str, file_id: str, wrapped: bytes) -> Secret[bytes]:
    """Return the file key. CryptoError if altered or another's; KeyRingError if its key version is gone."""
    number = version(wrapped)
    header, rest = wrapped[:_HEADER_BYTES], wrapped[_HEADER_BYTES:]
    cipher = AESGCM(derive(ring.key(number).key.reveal(), _CONTEXT))
    try:
        return Secret(cipher.decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], encode(_CONTEXT, header, tenant, file_id)))
    except InvalidTag:
        raise CryptoError("the wrapped file key was altered, or belongs to another file or organization") from None
