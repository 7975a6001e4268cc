"""A second decoder, written from docs/architecture/file-format.md alone. It imports nothing of the product."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Mapping

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

Objects = Mapping[str, bytes]


def encode(*fields: bytes) -> bytes:
    return b"\x01" + b"".join(struct.pack(">I", len(field)) + field for field in fields)


def derive(key: bytes, info: bytes, salt: bytes | None = None) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=info).derive(key)


def file_key(keks: Mapping[int, bytes], tenant: bytes, file_id: bytes, wrapped: bytes) -> bytes:
    kind, version, nonce = wrapped[0], struct.unpack(">I", wrapped[1:5])[0], wrapped[5:17]
    assert kind == 1
    assert len(wrapped) == 65
    key = derive(keks[version], encode(b"kozutumi file key v1"))
    bound = encode(b"kozutumi file key v1", wrapped[:5], tenant, file_id)
    return AESGCM(key).decrypt(nonce, wrapped[17:], bound)


def segment(key: bytes, tenant: bytes, file_id: bytes, entry: Mapping[str, str | int], stored: bytes) -> bytes:
    length, segment_id = int(entry["length"]), str(entry["id"]).encode()
    salt = base64.b64decode(str(entry["salt"]))
    cipher = AESGCM(derive(key, encode(b"kozutumi segment v1", file_id), salt))
    bound = encode(b"kozutumi segment v1", tenant, file_id, segment_id)
    count = (length + 65535) // 65536
    assert len(stored) == length + 16 * count
    plain = b""
    for index in range(count):
        nonce = bytes(7) + struct.pack(">I", index) + bytes([index == count - 1])
        plain += cipher.decrypt(nonce, stored[65552 * index : 65552 * (index + 1)], bound)
    return plain


def decode(
    keks: Mapping[int, bytes], tenant: str, file_id: str, manifest_id: str, objects: Objects
) -> tuple[str, bytes]:
    """Name and content of a file, from the objects of a bucket."""
    tenant_bytes, file_bytes = tenant.encode(), file_id.encode()
    key = file_key(keks, tenant_bytes, file_bytes, objects[f"{file_id}/key"])
    sealed = objects[f"{file_id}/{manifest_id}"]
    assert sealed[0] == 1
    cipher = AESGCM(derive(key, encode(b"kozutumi manifest v1", file_bytes)))
    bound = encode(b"kozutumi manifest v1", tenant_bytes, file_bytes, manifest_id.encode())
    manifest = json.loads(cipher.decrypt(sealed[1:13], sealed[13:], bound))
    content = b"".join(
        segment(key, tenant_bytes, file_bytes, entry, objects[f"{file_id}/{entry['id']}"])
        for entry in manifest["segments"]
    )
    assert len(content) == manifest["total"]
    return manifest["name"], content
