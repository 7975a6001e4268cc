"""The format is final: these vectors were made once, and both decoders must read them for ever."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

import reference_decoder
from crypto_world import FILE, MANIFEST, TENANT, key, ring, store
from kozutumi_app.crypto import manifest as manifests
from kozutumi_app.crypto import segments, wrapping
from kozutumi_app.crypto.segments import Cipher, Writer
from kozutumi_contract.keyring import KeyRing, KeyVersion
from kozutumi_contract.secret import Secret

PATH = Path(__file__).parents[4] / "tests/vectors/file-format-v1.json"
VECTORS = json.loads(PATH.read_text(encoding="utf-8"))
CASES = list(enumerate(VECTORS["files"]))
KEKS = {int(number): base64.b64decode(value) for number, value in VECTORS["keks"].items()}
SHA256_OF_THE_FILE = "0175cc5fd6eecdd3ba43fe231905f519b60a61b7dd9855e02557a913d10831b9"


def plaintext(case: int, segment: int, length: int) -> bytes:
    blocks = range(length // 32 + 1)
    text = (f"kozutumi vector plain {case} {segment} {block}".encode() for block in blocks)
    return b"".join(hashlib.sha256(part).digest() for part in text)[:length]


def objects_of(case: int, vector: dict[str, Any]) -> dict[str, bytes]:
    """The vector's objects; a large one is written by the product and must hash to what the vector says."""
    objects = {}
    for name, value in vector["objects"].items():
        if isinstance(value, str):
            objects[name] = base64.b64decode(value)
    for number, entry in enumerate(vector["segments"]):
        salt, dek = base64.b64decode(entry["salt"]), Secret(base64.b64decode(vector["file_key"]))
        writer = Writer(Cipher(dek, vector["tenant"], vector["file_id"], entry["id"], salt))
        writer.write(plaintext(case, number, entry["length"]))
        name, written = segments.object_key(vector["file_id"], entry["id"]), writer.finish()
        expected = vector["objects"][name]
        if isinstance(expected, dict):
            assert hashlib.sha256(written).hexdigest() == expected["sha256"]
            objects[name] = written
        assert objects[name] == written
    return objects


def test_vectors_were_never_regenerated() -> None:
    assert hashlib.sha256(PATH.read_bytes()).hexdigest() == SHA256_OF_THE_FILE


@pytest.mark.parametrize(("case", "vector"), CASES, ids=[vector["case"] for _, vector in CASES])
def test_reference_decoder_reads_the_vector(case: int, vector: dict[str, Any]) -> None:
    objects = objects_of(case, vector)
    name, content = reference_decoder.decode(KEKS, vector["tenant"], vector["file_id"], vector["manifest_id"], objects)
    assert name == vector["name"]
    assert hashlib.sha256(content).hexdigest() == vector["content_sha256"]


@pytest.mark.parametrize(("case", "vector"), CASES, ids=[vector["case"] for _, vector in CASES])
def test_product_reads_the_vector(case: int, vector: dict[str, Any]) -> None:
    objects, tenant, file_id = objects_of(case, vector), vector["tenant"], vector["file_id"]
    versions = {number: KeyVersion(number, Secret(kek), "2026-01-01T00:00:00Z") for number, kek in KEKS.items()}
    keys = KeyRing(VECTORS["active"], key(1), key(2), versions)
    dek = wrapping.unwrap(keys, tenant, file_id, objects[wrapping.object_key(file_id)])
    assert dek.reveal() == base64.b64decode(vector["file_key"])
    sealed = objects[manifests.object_key(file_id, vector["manifest_id"])]
    manifest = manifests.unseal(dek, tenant, file_id, vector["manifest_id"], sealed)
    assert (manifest.name, manifest.media_type, manifest.total) == (
        vector["name"],
        vector["media_type"],
        vector["total"],
    )


def test_reference_decoder_reads_what_the_product_writes() -> None:
    content = bytes(range(256)) * 1000
    stored = store(content, [200_000, 56_000])
    keks = {1: ring().keys[1].key.reveal()}
    assert reference_decoder.decode(keks, TENANT, FILE, MANIFEST, stored.objects)[1] == content
