"""Kubernetes quantities and Go durations, as the manifest writes them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

_SUFFIXES: Final = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "E": Decimal(10**18),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}
_QUANTITY: Final = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:([eE][-+]?[0-9]{1,2})|([numkMGTPE]|[KMGTPE]i)?)")
_UNITS: Final = {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60), "h": Decimal(3600)}
_DURATION_PART: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|h|m|s)")


def quantity(text: str | float) -> Decimal:
    """The number a quantity stands for ("20m" = 0.02, "1Gi" = 1073741824). ValueError if it is none.

    Grammar: k8s.io/apimachinery/pkg/api/resource, without signs: nothing here is negative.
    """
    match = _QUANTITY.fullmatch(str(text))
    if match is None:
        raise ValueError(f"{text!r} is not a quantity; write for example 20m, 512Mi or 10Gi")
    number, exponent, suffix = match.groups()
    if exponent:
        return Decimal(number + exponent)
    return Decimal(number) * _SUFFIXES[suffix or ""]


def size(text: str | float) -> int:
    """Bytes, rounded up."""
    value = quantity(text)
    return int(-(-value // 1))


def duration(text: str) -> int:
    """Whole seconds of a Go duration ("72h", "1h30m"). ValueError if it is none."""
    parts = _DURATION_PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is not a duration; write for example 30m, 72h or 168h")
    return int(sum(Decimal(number) * _UNITS[unit] for number, unit in parts))


def mebibytes(count: int) -> str:
    """A quantity for `count` bytes, in whole MiB rounded up."""
    return f"{-(-count // 2**20)}Mi"


def millis(count: Decimal) -> str:
    """A quantity for `count` cores, in whole millicores rounded up."""
    return f"{int(-(-(count * 1000) // 1))}m"
