"""The hash chain over audit events (architecture.md §6.5).

An event is hashed over what is stored, encrypted field included, so a chain still verifies after
crypto-shred. The encoding is length-prefixed: no two different events share an encoding.

`sealed` begins with the number of its form. Form 2 is `2 ‖ commitment (32) ‖ ciphertext`: the commitment is a hash
over the details under a random key, the opening, that is encrypted along with them. Who is shown details and opening
can check that they are the ones the chain holds; who is not, or after crypto-shred nobody, learns nothing from it.
Form 1 is the ciphertext alone; what it holds cannot be checked without the audit key.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from kozutumi_contract import canonical

GENESIS: Final = bytes(32)
OPENING_BYTES: Final = 32
_DOMAIN: Final = b"kozutumi audit event v1"
_DETAILS: Final = b"kozutumi audit details v1"
_COMMITTED: Final = b"\x02"
_COMMITMENT_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """The stored skeleton. `time` is RFC 3339 UTC; `sealed` is the personal part under the audit key."""

    sequence: int
    time: str
    type: str
    actor_id: str
    object_id: str
    outcome: str
    sealed: bytes
    previous_hash: bytes
    hash: bytes


def event_hash(
    *,
    sequence: int,
    time: str,
    type: str,
    actor_id: str,
    object_id: str,
    outcome: str,
    sealed: bytes,
    previous: bytes,
) -> bytes:
    """SHA-256 (FIPS 180-4) over the length-prefixed fields."""
    fields = (
        _DOMAIN,
        previous,
        str(sequence).encode(),
        time.encode(),
        type.encode(),
        actor_id.encode(),
        object_id.encode(),
        outcome.encode(),
        sealed,
    )
    digest = hashlib.sha256()
    for field in fields:
        digest.update(len(field).to_bytes(8, "big"))
        digest.update(field)
    return digest.digest()


def of_event(event: AuditEvent, previous: bytes) -> bytes:
    """What the hash of this event must be after one whose hash is `previous`."""
    return event_hash(
        sequence=event.sequence,
        time=event.time,
        type=event.type,
        actor_id=event.actor_id,
        object_id=event.object_id,
        outcome=event.outcome,
        sealed=event.sealed,
        previous=previous,
    )


def commitment(sequence: int, details: Mapping[str, str], opening: bytes) -> bytes:
    """HMAC-SHA-256 (FIPS 198-1) of the details under the opening, which is 32 random bytes of this event's own."""
    message = b"".join(
        len(field).to_bytes(8, "big") + field
        for field in (_DETAILS, str(sequence).encode(), canonical.encode(dict(details)))
    )
    return hmac.digest(opening, message, "sha256")


def committed(commitment_: bytes, ciphertext: bytes) -> bytes:
    """`sealed` in form 2."""
    return _COMMITTED + commitment_ + ciphertext


def parts(sealed: bytes) -> tuple[bytes | None, bytes]:
    """Commitment (None in form 1) and ciphertext."""
    if sealed[:1] != _COMMITTED:
        return None, sealed
    return sealed[1 : 1 + _COMMITMENT_BYTES], sealed[1 + _COMMITMENT_BYTES :]


def first_broken(events: Iterable[AuditEvent], *, start: int = 1, previous: bytes = GENESIS) -> int | None:
    """Sequence number at which the chain first breaks (edited, removed, inserted, reordered), or None."""
    expected = start
    for event in events:
        if event.sequence != expected or event.previous_hash != previous or event.hash != of_event(event, previous):
            return expected
        expected, previous = expected + 1, event.hash
    return None
