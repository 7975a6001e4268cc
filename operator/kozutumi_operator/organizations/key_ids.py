"""Names of keys that may be shown: they tell one key from another and nothing about it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from typing import Final

from kozutumi_contract import keyring
from kozutumi_contract.secret import Secret
from kozutumi_operator.errors import KeyRingLost
from kozutumi_operator.manifests import secret
from kozutumi_operator.organizations.observed import Observed

_PURPOSE: Final = b"kozutumi key id v1"


def of_ring(ring: keyring.KeyRing) -> tuple[str, ...]:
    """`index:…`, `audit:…` and `<version>:…`, each with 64 bits of HMAC-SHA-256 (FIPS 198-1) under the key itself.

    Without retired versions: nothing needs them, and their absence is no loss.
    """
    return _of(ring, [number for number, key in ring.keys.items() if key.retired is None])


def versions(recorded: Sequence[str]) -> frozenset[int]:
    """The key versions among recorded ids."""
    names = (each.partition(":")[0] for each in recorded)
    return frozenset(int(name) for name in names if name.isdecimal())


def found(observed: Observed) -> keyring.KeyRing | None:
    """The live ring, or None where there is no such Secret. Raises KeyRingLost where it is damaged."""
    live = observed.get("Secret", keyring.SECRET_NAME)
    if live is None:
        return None
    try:
        return keyring.parse(secret.entries(live).get(keyring.SECRET_KEY, b""))
    except keyring.KeyRingError as error:
        raise KeyRingLost(f"Secret keyring is damaged: {error}.") from None


def check(recorded: Sequence[str], ring: keyring.KeyRing | None) -> None:
    """Raise KeyRingLost where recorded keys are gone. A new ring is never made in their place: files stay sealed."""
    if not recorded:
        return
    if ring is None:
        raise KeyRingLost("Secret keyring is gone; restore it from its escrow. No new key is made in its place.")
    missing = sorted(set(recorded) - set(_of(ring, ring.keys)))
    if missing:
        raise KeyRingLost(f"Secret keyring lacks recorded keys ({', '.join(missing)}); restore it from its escrow.")


def _of(ring: keyring.KeyRing, numbers: Iterable[int]) -> tuple[str, ...]:
    marked = tuple(f"{number}:{_mark(ring.keys[number].key)}" for number in sorted(numbers))
    return (f"index:{_mark(ring.index)}", f"audit:{_mark(ring.audit)}", *marked)


def _mark(key: Secret[bytes]) -> str:
    return hmac.new(key.reveal(), _PURPOSE, hashlib.sha256).hexdigest()[:16]
