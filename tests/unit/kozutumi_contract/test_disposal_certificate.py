from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from kozutumi_contract import disposal_certificate
from kozutumi_contract.disposal_certificate import Refuted, SignerError, Verified

KEY = ec.generate_private_key(ec.SECP256R1())
OTHER = ec.generate_private_key(ec.SECP256R1())
DOCUMENT: dict[str, Any] = {
    "serviceCode": "acme",
    "organizationUid": "u",
    "requested": {"at": "2026-11-24T12:00:00Z"},
    "completed": "2026-11-24T12:01:00Z",
    "existed": {},
    "destroyed": [{"what": "KeyRing", "name": "Secret kz-acme/keyring", "at": "2026-11-24T12:00:10Z"}],
    "kept": [{"what": "ArchiveBucket", "name": "kozutumi-acme-archive", "until": "2027-01-01T00:00:00Z"}],
}
FILE = disposal_certificate.seal(DOCUMENT, KEY)


def changed(**changes: Any) -> bytes:
    file = json.loads(FILE)
    return json.dumps(file | changes).encode()


def with_document(**changes: Any) -> bytes:
    return changed(document=json.loads(FILE)["document"] | changes)


def with_signature(**changes: Any) -> bytes:
    return changed(signature=json.loads(FILE)["signature"] | changes)


def test_a_genuine_one_is_verified_however_it_is_laid_out() -> None:
    for file in (FILE, json.dumps(json.loads(FILE), separators=(",", ":")).encode()):
        result = disposal_certificate.verify(file, KEY.public_key())
        assert isinstance(result, Verified)
        assert result.document["kept"] == DOCUMENT["kept"]


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (with_document(kept=[]), "changed"),
        (with_document(completed="2026-11-25T12:01:00Z"), "changed"),
        (with_document(more=1), "changed"),
        (with_signature(value=base64.b64encode(b"0" * 70).decode()), "changed"),
        (with_signature(value="*"), "not base64"),
        (with_signature(algorithm="none"), "algorithm 'none'"),
        (with_signature(key="00"), "another key"),
        (changed(signature={}), "members"),
        (changed(signature=None), "members"),
        (changed(document=[]), "no object"),
        (changed(more=1), "exactly"),
        (b"[]", "exactly"),
        (FILE[:-20], "damaged"),
        (FILE.replace(b'"acme"', b'"acme", "serviceCode": "acme"'), "twice"),
        (disposal_certificate.seal(DOCUMENT, OTHER), "another key"),
        (disposal_certificate.seal({"serviceCode": "acme"}, KEY), "no disposal certificate"),
    ],
)
def test_the_first_thing_wrong_is_named(file: bytes, reason: str) -> None:
    result = disposal_certificate.verify(file, KEY.public_key())
    assert isinstance(result, Refuted)
    assert reason in result.reason


def test_a_foreign_signature_that_claims_the_pinned_key_is_found_out() -> None:
    file = json.loads(disposal_certificate.seal(DOCUMENT, OTHER))
    file["signature"]["key"] = disposal_certificate.key_id(KEY.public_key())
    result = disposal_certificate.verify(json.dumps(file).encode(), KEY.public_key())
    assert isinstance(result, Refuted)
    assert "forged" in result.reason


def test_only_keys_of_p_256_are_taken() -> None:
    pem, private = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    for key in (ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP384R1())):
        with pytest.raises(SignerError, match="P-256"):
            disposal_certificate.signer(key.private_bytes(pem, private, serialization.NoEncryption()))
        public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
        with pytest.raises(SignerError, match="P-256"):
            disposal_certificate.pinned(public)
    with pytest.raises(SignerError, match="PEM"):
        disposal_certificate.signer(b"no key")
    with pytest.raises(SignerError, match="PEM"):
        disposal_certificate.pinned(b"no key")
