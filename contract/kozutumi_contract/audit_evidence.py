"""A bundle of evidence: a zip file with the events of a transfer or a period, the seals that bind them, and who took it.

Members: `events.jsonl` (audit_export), `seals.jsonl` (one seal a line), `public-key.pem`, `README.txt`, and last
`manifest.json`, a `signed_document` of {"kind": "AuditEvidence", "format": 1, "service_code", "made", "made_by" (id),
"reason", "about" ({"object"} or {"from", "until"}), "members": {name: {"sha256", "size"}}}. Nothing else is in it.

Evolution: members may be added to a document of format 1; what changes a member's meaning takes a new format.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec

from kozutumi_contract import audit_verifying, canonical, signed_document
from kozutumi_contract.audit_verifying import Fault, Report
from kozutumi_contract.canonical import NotCanonicalError
from kozutumi_contract.signed_document import Refuted

KIND: Final = "AuditEvidence"
FORMAT: Final = 1
EVENTS: Final = "events.jsonl"
SEALS: Final = "seals.jsonl"
PUBLIC_KEY: Final = "public-key.pem"
README: Final = "README.txt"
MANIFEST: Final = "manifest.json"
LARGEST_MANIFEST: Final = 64 * 1024  # bytes; also of the key
LARGEST_SEALS: Final = 64 * 2**20

Opener = Callable[[str], Iterator[bytes]]
"""The lines of one member."""


@dataclass(slots=True)
class Member:
    """Hash and size of one member, as it is written or read."""

    digest: Any
    size: int = 0

    def update(self, part: bytes) -> None:
        self.digest.update(part)
        self.size += len(part)

    def document(self) -> dict[str, Any]:
        return {"sha256": self.digest.hexdigest(), "size": self.size}


def member() -> Member:
    return Member(hashlib.sha256())


def render_manifest(document: Mapping[str, Any], key: ec.EllipticCurvePrivateKey) -> bytes:
    return canonical.encode(signed_document.sign({**document, "kind": KIND, "format": FORMAT}, key)) + b"\n"


def verify(
    names: Iterable[str], lines: Opener, *, key: ec.EllipticCurvePublicKey | None
) -> tuple[dict[str, Any], Report] | Fault:
    """Check a bundle: each member against the manifest, the manifest against the key, the events against their seals.

    Without `key` the bundle's own is used: then it proves only that nothing was changed since somebody made it.
    """
    found = sorted(names)
    if found != sorted({EVENTS, SEALS, PUBLIC_KEY, README, MANIFEST}):
        return Fault(None, "the bundle does not hold exactly the members of a bundle of evidence")
    signed = key or _own_key(lines)
    if isinstance(signed, Fault):
        return signed
    document = _manifest(lines, signed)
    if isinstance(document, Fault):
        return document
    for name in found:
        if name != MANIFEST and _measured(lines(name)) != document["members"].get(name):
            return Fault(None, f"{name} is not the file that was put into the bundle")
    if document["members"][SEALS]["size"] > LARGEST_SEALS:
        return Fault(None, f"{SEALS} is too large")
    report = audit_verifying.verify(_Again(lines), key=signed, seals=list(lines(SEALS)))
    return report if isinstance(report, Fault) else (document, report)


class _Again:
    """The events can be read as often as need be."""

    def __init__(self, lines: Opener) -> None:
        self._lines = lines

    def __iter__(self) -> Iterator[bytes]:
        return self._lines(EVENTS)


def _own_key(lines: Opener) -> ec.EllipticCurvePublicKey | Fault:
    try:
        return signed_document.pinned(_small(lines(PUBLIC_KEY)))
    except signed_document.SignerError as error:
        return Fault(None, f"{PUBLIC_KEY}: {error}")


def _manifest(lines: Opener, key: ec.EllipticCurvePublicKey) -> dict[str, Any] | Fault:
    try:
        document = signed_document.check(canonical.decode(_small(lines(MANIFEST))), key)
    except NotCanonicalError as error:
        return Fault(None, f"{MANIFEST} is damaged: {error}")
    if isinstance(document, Refuted):
        return Fault(None, f"{MANIFEST}: {document.reason}")
    required = {"kind", "format", "service_code", "made", "made_by", "reason", "about", "members"}
    if not required <= document.keys() or (document["kind"], document["format"]) != (KIND, FORMAT):
        return Fault(None, f"{MANIFEST} is signed, but is none of a format that this program knows")
    return document


def _measured(lines: Iterator[bytes]) -> dict[str, Any]:
    measured = member()
    for line in lines:
        measured.update(line)
    return measured.document()


def _small(lines: Iterator[bytes]) -> bytes:
    content = bytearray()
    for line in lines:
        content += line
        if len(content) > LARGEST_MANIFEST:
            break
    return bytes(content[: LARGEST_MANIFEST + 1])
