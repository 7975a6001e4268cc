"""An organization's key ring: Secret `keyring`, key `keyring.json` (architecture.md §5).

The format may gain fields; a reader refuses a `format` it does not know. Key versions are
decimal integers from 1 upwards and are never used again. `index` and `audit` never rotate.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from kozutumi_contract.secret import Secret

FORMAT: Final = 1
KEY_BYTES: Final = 32
SECRET_NAME: Final = "keyring"  # noqa: S105 - the name of a Kubernetes Secret, not a secret
SECRET_KEY: Final = "keyring.json"  # noqa: S105 - the name of an entry in it


class KeyRingError(ValueError):
    """The key ring is missing, damaged or of an unknown format. Nothing may start without it."""


@dataclass(frozen=True, slots=True)
class KeyVersion:
    """One key-encryption key. `created` and `retired` are RFC 3339 UTC times."""

    number: int
    key: Secret[bytes]
    created: str
    retired: str | None = None


@dataclass(frozen=True, slots=True)
class KeyRing:
    active: int
    index: Secret[bytes]
    audit: Secret[bytes]
    keys: Mapping[int, KeyVersion]

    def active_key(self) -> KeyVersion:
        return self.keys[self.active]

    def key(self, number: int) -> KeyVersion:
        """The key of a version; KeyRingError if the ring no longer holds it."""
        try:
            return self.keys[number]
        except KeyError:
            raise KeyRingError(
                f"key version {number} is not in the key ring; restore the ring from its escrow"
            ) from None


def generate(random: Callable[[int], bytes], now: str) -> KeyRing:
    """Make a new ring with one active key. `random(n)` gives n unpredictable bytes (SP 800-90A)."""
    first = KeyVersion(1, Secret(random(KEY_BYTES)), now)
    return KeyRing(1, Secret(random(KEY_BYTES)), Secret(random(KEY_BYTES)), {1: first})


def with_new_version(ring: KeyRing, random: Callable[[int], bytes], now: str) -> KeyRing:
    """Add a version that nothing uses yet. First stage of a rotation; readers must load it before it becomes active."""
    number = max(ring.keys) + 1
    return replace(ring, keys={**ring.keys, number: KeyVersion(number, Secret(random(KEY_BYTES)), now)})


def activated(ring: KeyRing, number: int) -> KeyRing:
    """Seal with `number` from now on. Only forwards: KeyRingError for an older, retired or unknown version."""
    if number < ring.active or ring.key(number).retired is not None:
        raise KeyRingError(f"key version {number} cannot become active again")
    return replace(ring, active=number)


def retired(ring: KeyRing, number: int, now: str) -> KeyRing:
    """Mark a version that nothing needs any more. It still opens what it sealed, until it is removed."""
    if number >= ring.active:
        raise KeyRingError(f"key version {number} is in use and cannot be retired")
    return replace(ring, keys={**ring.keys, number: replace(ring.key(number), retired=now)})


def removed(ring: KeyRing, number: int) -> KeyRing:
    """Destroy a retired version. What it sealed can never be opened again."""
    if ring.key(number).retired is None:
        raise KeyRingError(f"key version {number} is not retired and cannot be removed")
    return replace(ring, keys={other: key for other, key in ring.keys.items() if other != number})


def serialize(ring: KeyRing) -> bytes:
    """Encode as canonical JSON (sorted keys, no spaces), so equal rings are equal bytes."""
    keys = {
        str(version.number): {"key": _encode(version.key), "created": version.created, "retired": version.retired}
        for version in ring.keys.values()
    }
    document = {
        "format": FORMAT,
        "active": ring.active,
        "index": _encode(ring.index),
        "audit": _encode(ring.audit),
        "keys": keys,
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def parse(data: bytes) -> KeyRing:
    """Decode and check a ring. Raises KeyRingError whose message never shows key material."""
    try:
        document = json.loads(data)
    except ValueError:
        raise KeyRingError("keyring.json is not JSON; restore the Secret from its escrow") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise KeyRingError(f"keyring.json is not of format {FORMAT}; use a release that knows its format")
    raw_keys = document.get("keys")
    if not isinstance(raw_keys, dict) or not raw_keys:
        raise KeyRingError("keyring.json holds no keys; restore the Secret from its escrow")
    keys = {version.number: version for version in (_parse_version(name, raw) for name, raw in raw_keys.items())}
    active = document.get("active")
    if not isinstance(active, int) or isinstance(active, bool) or active not in keys:
        raise KeyRingError("keyring.json names an active key that it does not hold")
    if keys[active].retired is not None:
        raise KeyRingError("keyring.json names a retired key as active")
    return KeyRing(active, _decode(document.get("index"), "index"), _decode(document.get("audit"), "audit"), keys)


def _parse_version(name: str, raw: Any) -> KeyVersion:
    if not name.isascii() or not name.isdecimal() or name.startswith("0"):
        raise KeyRingError("keyring.json has a key version that is not a positive decimal integer")
    if not isinstance(raw, dict) or not isinstance(raw.get("created"), str):
        raise KeyRingError(f"keyring.json: key version {name} is damaged")
    retired = raw.get("retired")
    if retired is not None and not isinstance(retired, str):
        raise KeyRingError(f"keyring.json: key version {name} has a damaged retirement time")
    return KeyVersion(int(name), _decode(raw.get("key"), f"keys.{name}"), raw["created"], retired)


def _encode(secret: Secret[bytes]) -> str:
    return base64.b64encode(secret.reveal()).decode("ascii")


def _decode(value: Any, field: str) -> Secret[bytes]:
    try:
        key = base64.b64decode(value, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise KeyRingError(f"keyring.json: {field} is not base64") from None
    if len(key) != KEY_BYTES:
        raise KeyRingError(f"keyring.json: {field} is not {KEY_BYTES} bytes long")
    return Secret(key)
