"""Sealed heads of an audit chain: objects `audit/<number>.json` of the locked archive bucket.

A seal is a `signed_document` whose document is {"kind": "AuditSeal", "format": 1, "service_code", "number" (from 1),
"sequence" and "hash" (hex) of the newest event, "time" (RFC 3339), "previous" (SHA-256 of the canonical document of
the seal before it, in hex; zeros for the first)}.

Sequence numbers rise from seal to seal, but after a restore: the first seal then names the last one of what was lost,
and the log says so in an event of type `audit.restored`, whose `object_id` is the hash of that lost head.

Evolution: a document of format 1 has exactly these members; anything else takes a new format.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec

from kozutumi_contract import canonical, signed_document
from kozutumi_contract.canonical import NotCanonicalError
from kozutumi_contract.signed_document import Refuted

KIND: Final = "AuditSeal"
FORMAT: Final = 1
PREFIX: Final = "audit/"
FIRST: Final = "00" * 32
LARGEST: Final = 10**15
_NAME: Final = re.compile(rf"{PREFIX}([0-9]{{20}})\.json")
_HASH: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Seal:
    """`hash` and `previous` are hex. `digest` is what the next seal names as its `previous`."""

    service_code: str
    number: int
    sequence: int
    hash: str
    time: str
    previous: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(canonical.encode(_document(self))).hexdigest()


def object_name(number: int) -> str:
    """Of one length, so that the order of names is the order of seals."""
    return f"{PREFIX}{number:020d}.json"


def number_of(name: str) -> int | None:
    """Number of the seal that an object of this name is; None for another object."""
    found = _NAME.fullmatch(name)
    return int(found[1]) if found and int(found[1]) < LARGEST else None


def render(seal: Seal, key: ec.EllipticCurvePrivateKey) -> bytes:
    return canonical.encode(signed_document.sign(_document(seal), key)) + b"\n"


def parse(file: bytes, key: ec.EllipticCurvePublicKey) -> Seal | Refuted:
    """One seal, if `key` signed it."""
    try:
        document = signed_document.check(canonical.decode(file), key)
    except NotCanonicalError as error:
        return Refuted(f"the file is damaged: {error}")
    if isinstance(document, Refuted):
        return document
    fields = {name: document.get(name) for name in Seal.__dataclass_fields__}
    known = document.keys() == {"kind", "format", *fields}
    if not known or (document["kind"], document["format"]) != (KIND, FORMAT) or not _is_seal(fields):
        return Refuted("it is signed, but is no seal of a format that this program knows")
    return Seal(**fields)  # type: ignore[arg-type]  # _is_seal has looked at each


def ordered(seals: Iterable[Seal], service_code: str) -> Sequence[Seal] | Refuted:
    """The seals of one chain in their order, each bound to the one before it; a first part may be missing."""
    found = sorted(set(seals), key=lambda each: (each.number, each.sequence))
    for each in found:
        if each.service_code != service_code:
            return Refuted(f"seal {each.number} is of organization {each.service_code}, not of {service_code}")
    for before, after in itertools.pairwise(found):
        if after.number != before.number + 1:
            return Refuted(_gap(before, after))
        if after.previous != before.digest:
            return Refuted(f"seal {after.number} does not follow seal {before.number}: one of the two is not genuine")
    if found and found[0].number == 1 and found[0].previous != FIRST:
        return Refuted("seal 1 names a seal before it")
    return found


def _gap(before: Seal, after: Seal) -> str:
    if after.number == before.number:
        return f"there are two different seals of number {after.number}: the chain of seals was forked"
    return f"seal {before.number + 1} is missing"


def _document(seal: Seal) -> dict[str, Any]:
    return {"kind": KIND, "format": FORMAT, **asdict(seal)}


def _is_seal(fields: dict[str, Any]) -> bool:
    whole = all(type(fields[name]) is int and fields[name] >= 1 for name in ("number", "sequence"))
    texts = all(isinstance(fields[name], str) for name in ("service_code", "time"))
    hashes = all(isinstance(fields[name], str) and _HASH.fullmatch(fields[name]) for name in ("hash", "previous"))
    return whole and texts and hashes
