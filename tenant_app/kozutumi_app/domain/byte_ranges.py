"""Byte ranges and preconditions of a request (RFC 9110 §§13, 14), decided without knowing anything else of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from kozutumi_app.domain.files import merged

_UNIT: Final = re.compile(r"bytes=(.*)", re.IGNORECASE | re.ASCII)  # names of units have no case (§14.1)
_ONE_RANGE: Final = re.compile(r"(\d{0,18})-(\d{0,18})", re.ASCII)
_MOST: Final = 16  # ranges of one header that are looked at
_ENTITY_TAG: Final = re.compile(r'(W/)?("[^"]*")')


@dataclass(frozen=True, slots=True)
class Whole:
    pass


@dataclass(frozen=True, slots=True)
class Partial:
    """Bytes [start, end)."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Unsatisfiable:
    pass


def choose(range_header: str | None, if_range: str | None, etag: str, size: int) -> Whole | Partial | Unsatisfiable:
    """What to send. A malformed header or another version of the content (If-Range) mean the whole.

    So do several ranges that leave a gap, as §14.2 allows: an answer in parts can be made to cost far more than it
    brings. Several that together are one run of bytes are sent as that one.
    """
    found = _UNIT.fullmatch(range_header.strip()) if range_header else None
    if found is None or (if_range is not None and if_range != etag):  # strong comparison; a date never matches
        return Whole()
    written = [part.strip() for part in found[1].split(",")]
    ranges = [_one(part, size) for part in written if part]
    if not ranges or len(ranges) > _MOST or any(isinstance(one, Whole) for one in ranges):
        return Whole()
    spans: list[tuple[int, int]] = []
    for one in ranges:
        if isinstance(one, Partial):
            spans = merged(spans, one.start, one.end)
    if not spans:
        return Unsatisfiable()
    return Partial(*spans[0]) if len(spans) == 1 else Whole()


def matches(header: str, etag: str, *, weak: bool) -> bool:
    """Whether an If-Match or If-None-Match header names `etag` (§13.1). `weak`: by weak comparison (§8.8.3.2)."""
    if header.strip() == "*":
        return True
    return any(tag == etag and (weak or not prefix) for prefix, tag in _tags(header))


def _tags(header: str) -> Iterable[tuple[str, str]]:
    return ((found[1] or "", found[2]) for found in _ENTITY_TAG.finditer(header))


def _one(text: str, size: int) -> Whole | Partial | Unsatisfiable:
    """One element of the set; Whole where it is none."""
    found = _ONE_RANGE.fullmatch(text)
    if found is None or text == "-":
        return Whole()
    first, last = found.groups()
    if not first:
        wanted = min(int(last), size)
        return Partial(size - wanted, size) if wanted else Unsatisfiable()
    start = int(first)
    if last and int(last) < start:
        return Whole()
    end = min(int(last) + 1, size) if last else size
    return Partial(start, end) if start < size else Unsatisfiable()
