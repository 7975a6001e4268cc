"""Sizes and spans as people write them: a whole number and a unit. Everywhere else they are bytes and seconds. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from kozutumi_app.errors import InvalidInput

Units = Mapping[str, int]

SIZES: Final[Units] = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
SPANS: Final[Units] = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}
_NUMBER: Final = re.compile(r"[0-9]{1,16}")


def read(number: str, unit: str, units: Units) -> int:
    """Return bytes or seconds. Digits of a Japanese keyboard are digits; a fraction is refused, for it may be no whole byte."""
    digits = unicodedata.normalize("NFKC", number).strip()
    if not _NUMBER.fullmatch(digits) or unit not in units:
        raise InvalidInput("Write a whole number and choose its unit: 1536 MiB, not 1.5 GiB.")
    return int(digits) * units[unit]


def write(amount: int, units: Units) -> tuple[str, str]:
    """Number and unit, the largest that divides `amount` evenly: what `read` takes back."""
    unit = max((each for each in units if amount % units[each] == 0), key=units.__getitem__)
    return str(amount // units[unit]), unit


def largest(units: Units) -> str:
    return max(units, key=units.__getitem__)
