"""The signed certificate of an organization's disposal: what existed, what was destroyed and when, what stays.

A file of it is a `signed_document`: JSON that any program that knows RFC 8785 can check.

Evolution: members may be added to a document of format 1; what changes a member's meaning takes a new format.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec

from kozutumi_contract import canonical, signed_document
from kozutumi_contract.canonical import NotCanonicalError
from kozutumi_contract.signed_document import ALGORITHM, Refuted, SignerError, key_id, pinned, signer

__all__ = ["ALGORITHM", "Refuted", "SignerError", "Verified", "key_id", "pinned", "seal", "signer", "verify"]

KIND: Final = "DisposalCertificate"
FORMAT: Final = 1
REQUIRED: Final = ("serviceCode", "organizationUid", "requested", "completed", "existed", "destroyed", "kept")


@dataclass(frozen=True, slots=True)
class Verified:
    document: Mapping[str, Any]


def seal(document: Mapping[str, Any], key: ec.EllipticCurvePrivateKey) -> bytes:
    """The whole file. `document` gets its kind and format here."""
    complete = {**document, "kind": KIND, "format": FORMAT}
    # Laid out for people: what is signed are the canonical bytes, whatever the file looks like.
    file = json.dumps(signed_document.sign(complete, key), ensure_ascii=False, indent=2)
    return f"{file}\n".encode()


def verify(file: bytes, key: ec.EllipticCurvePublicKey) -> Verified | Refuted:
    """Check a file against the pinned key alone: nothing that the file itself says about keys is believed."""
    try:
        content = canonical.decode(file)
    except NotCanonicalError as error:
        return Refuted(f"the file is damaged: {error}")
    document = signed_document.check(content, key)
    return document if isinstance(document, Refuted) else _read(document)


def _read(document: dict[str, Any]) -> Verified | Refuted:
    missing = [name for name in REQUIRED if name not in document]
    if (document.get("kind"), document.get("format")) != (KIND, FORMAT) or missing:
        return Refuted("it is signed, but is no disposal certificate of a format that this program knows")
    return Verified(document)
