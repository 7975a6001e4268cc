"""Randomness that is the same each time it is asked for the same thing, and nobody's guess without the index key.

For secrets of a mail that may have to be written twice: the second must be the same mail.
"""

from __future__ import annotations

from itertools import count

from kozutumi_app.crypto.columns import Columns
from kozutumi_app.domain.ports import Random


def stable_random(columns: Columns, purpose: str, text: str) -> Random:
    """HMAC-SHA-256 in counter mode (SP 800-108 §4.1): at most 32 bytes a call."""
    counter = count()

    def draw(size: int, /) -> bytes:
        return columns.index(f"random: {purpose}", f"{next(counter)} {text}")[:size]

    return draw
