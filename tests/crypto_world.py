"""A small bucket in memory with one encrypted file in it, for the tests of the cryptography."""

from __future__ import annotations

from dataclasses import dataclass

from kozutumi_app.crypto import manifest as manifests
from kozutumi_app.crypto import segments, wrapping
from kozutumi_app.crypto.manifest import Manifest
from kozutumi_app.crypto.segments import Cipher, Segment, Writer
from kozutumi_contract.keyring import KeyRing, KeyVersion
from kozutumi_contract.secret import Secret

TENANT = "yamada"
FILE = "f" * 26
MANIFEST = "m" * 26


def key(byte: int) -> Secret[bytes]:
    return Secret(bytes([byte]) * 32)


def ring() -> KeyRing:
    return KeyRing(1, key(1), key(2), {1: KeyVersion(1, key(3), "2026-01-01T00:00:00Z")})


@dataclass
class StoredFile:
    objects: dict[str, bytes]
    manifest: Manifest


def store(content: bytes, lengths: list[int], *, tenant: str = TENANT, file_id: str = FILE, dek: int = 9) -> StoredFile:
    objects = {wrapping.object_key(file_id): wrapping.wrap(ring(), tenant, file_id, key(dek))}
    entries, start = [], 0
    for number, length in enumerate(lengths):
        segment = Segment(f"s{number}".ljust(26, "x"), bytes([number]) * 32, length)
        writer = Writer(Cipher(key(dek), tenant, file_id, segment.id, segment.salt))
        writer.write(content[start : start + length])
        objects[segments.object_key(file_id, segment.id)] = writer.finish()
        entries.append(segment)
        start += length
    manifest = Manifest("見積書.pdf", "application/pdf", len(content), tuple(entries))
    objects[manifests.object_key(file_id, MANIFEST)] = manifests.seal(key(dek), tenant, file_id, MANIFEST, manifest)
    return StoredFile(objects, manifest)


def load(objects: dict[str, bytes], *, tenant: str = TENANT, file_id: str = FILE) -> tuple[bytes, Exception | None]:
    """Everything that is released, and what stopped it."""
    released = bytearray()
    try:
        dek = wrapping.unwrap(ring(), tenant, file_id, objects[wrapping.object_key(file_id)])
        sealed = objects[manifests.object_key(file_id, MANIFEST)]
        for segment in manifests.unseal(dek, tenant, file_id, MANIFEST, sealed).segments:
            cipher = Cipher(dek, tenant, file_id, segment.id, segment.salt)
            stored = objects[segments.object_key(file_id, segment.id)]
            for chunk in segments.opened(cipher, segment.length, 0, segment.length, [stored]):
                released += chunk
    except ValueError as error:
        return bytes(released), error
    return bytes(released), None
