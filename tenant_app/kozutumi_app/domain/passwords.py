"""What a password must be. Follows SP 800-63B §5.1.1.2: length and a list of known-bad ones, no composition rules."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final, Protocol

MINIMUM_LENGTH: Final = 12
MAXIMUM_LENGTH: Final = 256
_MINIMUM_DISTINCT: Final = 5
_MINIMUM_FRAGMENT: Final = 4

_COMMON: Final = (
    "password", "passw0rd", "p@ssword", "p@ssw0rd", "qwerty", "qwertyuiop", "asdfgh", "zxcvbn", "123456", "1234567890",
    "letmein", "welcome", "administrator", "iloveyou", "kozutumi", "changeme", "abcdef", "111111", "000000", "monkey",
    "dragon", "football", "baseball", "sunshine", "princess", "パスワード", "ぱすわーど",
)  # fmt: skip


class PasswordHasher(Protocol):
    """Verifies one password at a time, so that its memory is bounded whatever the number of sign-ins."""

    def hash(self, password: str) -> str: ...

    def verify(self, password_hash: str | None, password: str) -> bool:
        """Takes the same work when there is no hash, so that an unknown user is not told apart by time."""
        ...


def normalize(password: str) -> str:
    """NFKC (SP 800-63B §5.1.1.2), so that the same characters typed on another keyboard are the same password."""
    return unicodedata.normalize("NFKC", password)


def is_acceptable(password: str, *, personal: Sequence[str]) -> bool:
    """`personal`: name and address, whose parts must not be in the password."""
    plain = normalize(password)
    if not MINIMUM_LENGTH <= len(plain) <= MAXIMUM_LENGTH or len(set(plain)) < _MINIMUM_DISTINCT:
        return False
    folded = plain.casefold()
    fragments = [part for text in personal for part in _parts(normalize(text).casefold())]
    if any(part in folded for part in fragments):
        return False
    return not _is_common(folded)


def _parts(text: str) -> list[str]:
    separated = "".join(character if character.isalnum() else " " for character in text)
    return [part for part in separated.split() if len(part) >= _MINIMUM_FRAGMENT]


def _is_common(folded: str) -> bool:
    """A known-bad word with little else: what remains without it is shorter than half the minimum."""
    rest = folded
    for word in _COMMON:
        rest = rest.replace(word, "")
    return rest != folded and len("".join(filter(str.isalnum, rest))) < MINIMUM_LENGTH // 2
