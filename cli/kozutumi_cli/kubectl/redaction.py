"""What may leave the platform in a support bundle: no Secret, no address of a person, nothing that opens a door. Pure.

Structure first (whole objects and fields go), then text (what looks like a secret or an address goes). An address is
replaced by the same word each time, so that who did what twice can still be followed within one bundle.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

REDACTED: Final = "[redacted]"
# Kinds whose content is secret, or may be.
_CLOSED_KINDS: Final = frozenset({"Secret", "ConfigMap", "Certificate", "CertificateSigningRequest", "TokenReview"})
# Copies of whole manifests, and bookkeeping that repeats every field's name.
_DROPPED: Final = frozenset({"managedFields", "kubectl.kubernetes.io/last-applied-configuration"})
_DELICATE: Final = re.compile(
    r"pass(word|wd|phrase)|secret|token|credential|api[-_]?key|private[-_]?key|access[-_]?key|authorization|cookie|session",
    re.IGNORECASE,
)
# Field names that only refer to a secret, or are settings of one.
_REFERENCES: Final = re.compile(
    r"(secretRef|secretName|secretKeyRef|tokenExpirationSeconds|automountServiceAccountToken|serviceAccountToken"
    r"|imagePullSecrets|sessionAffinity)$"
)
_CHARACTER: Final = r"""[^\s@<>"'(),:;\[\]{}=]"""
# Also an internationalized one (RFC 6531). It is tried at the start of a word only: a long blob is read once.
_ADDRESS: Final = re.compile(rf"(?<!{_CHARACTER}){_CHARACTER}+@{_CHARACTER}+\.{_CHARACTER}+")
_PATTERNS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    ("pem", re.compile(r"-----BEGIN [A-Z0-9 ]+-----[\sA-Za-z0-9+/=\\]*(?:-----END [A-Z0-9 ]+-----)?")),
    ("jwt", re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?")),
    ("bearer", re.compile(r"(?i)\b(?:bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}")),
    ("accessKey", re.compile(r"\b(?:AKIA|ASIA|KZ)[A-Z0-9]{12,}\b")),
    ("userinfo", re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)")),
    ("query", re.compile(r"(?<=[?&])[A-Za-z0-9_.-]+=[^&\s\"']+")),
    (
        "assignment",
        re.compile(
            r"(?i)(?:password|passwd|passphrase|secret|token|credential|api[-_]?key|private[-_]?key"
            r"|access[-_]?key|authorization|cookie)[\w.-]{0,64}[\"']?\s*[:=]\s*[\"']?(?!\[redacted)[^\s\"',;}]{4,}"
        ),
    ),
    # Random text: long, and of mixed case with digits. Hashes in lower-case hex (image digests) stay.
    ("random", re.compile(r"(?<![\w+/=-])(?=[A-Za-z0-9+/_-]*[a-z])(?=[A-Za-z0-9+/_-]*[A-Z])(?=[A-Za-z0-9+/_-]*\d)[A-Za-z0-9+/_-]{32,}={0,2}")),
)  # fmt: skip


@dataclass(slots=True)
class Redaction:
    """Counts what it took out, by kind; remembers addresses only as long as it lives."""

    counts: Counter[str] = field(default_factory=Counter)
    _addresses: dict[str, str] = field(default_factory=dict)

    def text(self, text: str) -> str:
        for name, pattern in _PATTERNS:
            text, found = pattern.subn(REDACTED, text)
            self.counts[name] += found
        return _ADDRESS.sub(self._address, text)

    def object(self, value: Any) -> Any:
        """A copy of JSON data with nothing in it that must stay."""
        if isinstance(value, Mapping):
            if value.get("kind") in _CLOSED_KINDS:
                return self._closed(value)
            return {
                self.text(str(key)): self._field(str(key), value, below)
                for key, below in value.items()
                if key not in _DROPPED
            }
        if isinstance(value, list):
            return [self.object(each) for each in value]
        return self.text(value) if isinstance(value, str) else value

    def _field(self, key: str, parent: Mapping[str, Any], value: Any) -> Any:
        environment = key == "value" and _DELICATE.search(str(parent.get("name", "")))
        named = isinstance(value, str) and _DELICATE.search(key) and not _REFERENCES.search(key)
        if value and (environment or named):
            self.counts["field"] += 1
            return REDACTED
        return self.object(value)

    def _closed(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """Name and kind tell that it was there; nothing else of it leaves."""
        self.counts["object"] += 1
        metadata = value.get("metadata") or {}
        kept = {name: metadata[name] for name in ("name", "namespace", "creationTimestamp") if name in metadata}
        return {"kind": value["kind"], "metadata": kept, "content": REDACTED}

    def _address(self, match: re.Match[str]) -> str:
        self.counts["address"] += 1
        return self._addresses.setdefault(match[0].lower(), f"[address-{len(self._addresses) + 1}]")
