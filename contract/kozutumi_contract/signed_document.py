"""A JSON document with its signature beside it: {"document": …, "signature": {"algorithm", "key", "value"}}.

The signature is ECDSA on P-256 with SHA-256 (FIPS 186-5 §6; DER as in RFC 3279 §2.2.3, base64) over the canonical
bytes of `document` (RFC 8785, see `canonical`); `key` is the SHA-256 of the public key (SubjectPublicKeyInfo, DER).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kozutumi_contract import canonical
from kozutumi_contract.canonical import NotCanonicalError

ALGORITHM: Final = "ECDSA-P256-SHA256"
_MEMBERS: Final = frozenset({"algorithm", "key", "value"})


class SignerError(ValueError):
    """A key cannot be used for signing or checking; the message names what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Refuted:
    """`reason` is the first thing that is wrong."""

    reason: str


def signer(pem: bytes) -> ec.EllipticCurvePrivateKey:
    """The signing key of a PEM file. Raises SignerError."""
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SignerError("the signing key is not a private key in PEM without a password") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise SignerError("the signing key is not of curve P-256")
    return key


def pinned(pem: bytes) -> ec.EllipticCurvePublicKey:
    """The public key of a PEM file. Raises SignerError."""
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SignerError("the pinned key is not a public key in PEM") from None
    return _of_p256(key, "the pinned key")


def embedded(text: Any) -> ec.EllipticCurvePublicKey:
    """A public key that a file carries (SubjectPublicKeyInfo, base64). Raises SignerError."""
    try:
        key = serialization.load_der_public_key(base64.b64decode(text, validate=True))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SignerError("the public key in the file is damaged") from None
    return _of_p256(key, "the public key in the file")


def embeddable(key: ec.EllipticCurvePublicKey) -> str:
    return base64.b64encode(_der(key)).decode("ascii")


def key_id(key: ec.EllipticCurvePublicKey) -> str:
    """SHA-256 of its SubjectPublicKeyInfo, in hex."""
    return hashlib.sha256(_der(key)).hexdigest()


def sign(document: Mapping[str, Any], key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    value = key.sign(canonical.encode(document), ec.ECDSA(hashes.SHA256()))
    signature = {
        "algorithm": ALGORITHM,
        "key": key_id(key.public_key()),
        "value": base64.b64encode(value).decode("ascii"),
    }
    return {"document": dict(document), "signature": signature}


def check(content: Any, key: ec.EllipticCurvePublicKey) -> dict[str, Any] | Refuted:
    """The document, checked against `key` alone: nothing that the file itself says about keys is believed."""
    if not isinstance(content, dict) or content.keys() != {"document", "signature"}:
        return Refuted("the file does not hold exactly a document and its signature")
    document, signature = content["document"], content["signature"]
    reason = _misshapen(document, signature)
    return Refuted(reason) if reason is not None else _checked(document, signature, key)


def _checked(
    document: dict[str, Any], signature: dict[str, str], key: ec.EllipticCurvePublicKey
) -> dict[str, Any] | Refuted:
    try:
        signed = canonical.encode(document)
        value = base64.b64decode(signature["value"], validate=True)
    except NotCanonicalError as error:
        return Refuted(f"the file is damaged: {error}")
    except binascii.Error:
        return Refuted("its signature is not base64")
    if signature["key"] != key_id(key):
        return Refuted(f"it was signed by another key ({signature['key'][:16]}…), not by the pinned one")
    try:
        key.verify(value, signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return Refuted("its content is not what the pinned key signed: it was changed, or the signature is forged")
    return document


def _misshapen(document: Any, signature: Any) -> str | None:
    if (
        not isinstance(signature, dict)
        or signature.keys() != _MEMBERS
        or not all(isinstance(each, str) for each in signature.values())
    ):
        return "its signature has not the members algorithm, key and value"
    if signature["algorithm"] != ALGORITHM:
        return f"its signature is of algorithm {signature['algorithm']!r}, not {ALGORITHM}"
    return None if isinstance(document, dict) else "its document is no object"


def _of_p256(key: object, what: str) -> ec.EllipticCurvePublicKey:
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise SignerError(f"{what} is not of curve P-256")
    return key


def _der(key: ec.EllipticCurvePublicKey) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.DER, form)
