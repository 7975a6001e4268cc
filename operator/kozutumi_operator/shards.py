"""Several operators beside each other, each for the organizations that its label selector picks.

The selectors must not overlap, and together pick every organization: nothing checks that for the platform.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_TERM: Final = re.compile(r"\s*((?:[^,()]|\([^)]*\))+?)\s*(?:,|$)")
_SET: Final = re.compile(r"(?P<key>\S+)\s+(?P<verb>in|notin)\s+\((?P<values>[^)]*)\)")
_EQUALITY: Final = re.compile(r"(?P<key>[^\s=!]+)\s*(?P<verb>!=|==|=)\s*(?P<value>[^\s=!]*)")
_PRESENCE: Final = re.compile(r"(?P<absent>!?)\s*(?P<key>[^\s=!]+)")
NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?")


class ShardError(ValueError):
    """The shard cannot be understood; the message says what to write."""


@dataclass(frozen=True, slots=True)
class Shard:
    """`name` "" with `selector` "": the only operator. `selector` is a Kubernetes label selector of Organizations."""

    name: str = ""
    selector: str = ""

    def has(self, labels: Mapping[str, str] | None) -> bool:
        """Whether an Organization with these labels is this shard's."""
        return all(_holds(term, labels or {}) for term in _terms(self.selector))


def read(name: str, selector: str) -> Shard:
    """Raises ShardError."""
    if bool(name) != bool(selector):
        raise ShardError("set both KOZUTUMI_SHARD and KOZUTUMI_SHARD_SELECTOR, or neither")
    if name and not NAME.fullmatch(name):
        raise ShardError(f"KOZUTUMI_SHARD={name!r}; write at most 32 of a-z, 0-9 and inner hyphens")
    shard = Shard(name, selector)
    for term in _terms(selector):
        _holds(term, {})
    return shard


def _terms(selector: str) -> list[str]:
    return [term for term in _TERM.findall(selector) if term]


def _holds(term: str, labels: Mapping[str, str]) -> bool:
    if match := _SET.fullmatch(term):
        inside = labels.get(match["key"]) in {value.strip() for value in match["values"].split(",")}
        return inside == (match["verb"] == "in")
    if match := _EQUALITY.fullmatch(term):
        return (labels.get(match["key"]) == match["value"]) == (match["verb"] != "!=")
    if match := _PRESENCE.fullmatch(term):
        return (match["key"] in labels) != bool(match["absent"])
    raise ShardError(
        f"KOZUTUMI_SHARD_SELECTOR: {term!r} is no label selector; write for example shard=a or shard in (a, b)"
    )
