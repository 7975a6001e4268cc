"""Reading back what is stored: manifest, then segments, decrypted and checked chunk by chunk. Blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from kozutumi_app.crypto import manifest as manifests
from kozutumi_app.crypto import segments, wrapping
from kozutumi_app.crypto.encoding import CryptoError
from kozutumi_app.crypto.manifest import Manifest
from kozutumi_app.crypto.segments import CHUNK_BYTES, Cipher, Segment
from kozutumi_app.errors import ObjectMissing
from kozutumi_app.services import Services
from kozutumi_contract.secret import Secret

PIECE_BYTES: Final = 8 * CHUNK_BYTES  # of plaintext for one request to the store: bounds the memory of a reader


@dataclass(frozen=True, slots=True)
class StoredFile:
    file_id: str
    key: Secret[bytes]
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Part:
    """Plaintext [start, end) of one segment."""

    segment: Segment
    start: int
    end: int


def open_file(services: Services, file_id: str, manifest_id: str) -> StoredFile:
    """Unwrap the key and open exactly that manifest. CryptoError, ObjectMissing or StorageUnavailable."""
    tenant = services.settings.service_code
    key = wrapping.unwrap(services.keyring, tenant, file_id, services.blobs.get(wrapping.object_key(file_id)))
    sealed = services.blobs.get(manifests.object_key(file_id, manifest_id))
    return StoredFile(file_id, key, manifests.unseal(key, tenant, file_id, manifest_id, sealed))


def parts(manifest: Manifest, start: int, end: int) -> Iterator[Part]:
    """Cut plaintext [start, end) of the file at its segments."""
    base = 0
    for segment in manifest.segments:
        low, high = max(start - base, 0), min(end - base, segment.length)
        if low < high:
            yield Part(segment, low, high)
        base += segment.length


def read(services: Services, stored: StoredFile, part: Part) -> Iterator[bytes]:
    """Plaintext of the part, chunk by chunk; no byte of a damaged chunk is released (CryptoError)."""
    segment = part.segment
    tenant = services.settings.service_code
    cipher = Cipher(stored.key, tenant, stored.file_id, segment.id, segment.salt)
    object_key = segments.object_key(stored.file_id, segment.id)
    low = part.start
    while low < part.end:
        high = min(part.end, (low // PIECE_BYTES + 1) * PIECE_BYTES)
        _, _, offset, length = segments.chunk_span(segment.length, low, high)
        try:
            sealed = services.blobs.get(object_key, offset=offset, length=length)
        except ObjectMissing:
            raise CryptoError("a segment that the manifest names is not in the store") from None
        yield from segments.opened(cipher, segment.length, low, high, [sealed])
        low = high
