"""The checksum a sender announces for one request (tus 1.0, extension checksum)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import Any, Final

# sha1 is here because the protocol demands it; it finds accidents, no more is asked of it.
ALGORITHMS: Final = ("sha1", "sha256", "sha512")


class ChecksumError(ValueError):
    """The announcement cannot be read or names an algorithm we do not know."""


@dataclass(slots=True)
class Checksum:
    expected: bytes
    _digest: Any

    def update(self, data: bytes) -> None:
        self._digest.update(data)

    def matches(self) -> bool:
        return hmac.compare_digest(self._digest.digest(), self.expected)


def parse(header: str) -> Checksum:
    """Read `Upload-Checksum: <algorithm> <base64>`; ChecksumError for anything else."""
    algorithm, _, encoded = header.strip().partition(" ")
    if algorithm not in ALGORITHMS:
        raise ChecksumError(f"known algorithms are {', '.join(ALGORITHMS)}")
    digest = hashlib.new(algorithm, usedforsecurity=False)
    try:
        expected = base64.b64decode(encoded, validate=True)
    except ValueError:
        raise ChecksumError("the checksum is not base64") from None
    if len(expected) != digest.digest_size:
        raise ChecksumError(f"a {algorithm} is {digest.digest_size} bytes long")
    return Checksum(expected, digest)
