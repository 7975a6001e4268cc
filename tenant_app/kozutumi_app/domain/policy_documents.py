"""A level's policy as it is written and stored: JSON with the fields of `Statement`, lists where that has sets. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from kozutumi_app.domain.policies import FIELDS, Approval, Policy, Rules, Scope, Statement
from kozutumi_app.errors import InvalidInput

MAX_ENTRIES: Final = 200
MAX_APPROVALS: Final = 10
_LONGEST: Final = 366 * 86_400  # seconds
RANGES: Final[Mapping[str, tuple[int, int]]] = {
    "max_file_size": (1, 2**50),
    "max_expiry": (60, _LONGEST),
    "max_downloads": (1, 10_000),
    "approvals_needed": (1, MAX_APPROVALS),
    "approval_expiry": (300, _LONGEST),
    "hold_for": (0, 30 * 86_400),
}
"""What a number may be, both ends included. Bytes and seconds."""
_DOMAIN: Final = re.compile(r"(?=.{1,253}$)[^\s@.,/]{1,63}(\.[^\s@.,/]{1,63})+")
_ENDING: Final = re.compile(r"(\.[^\s./\\]{1,32}){1,2}")
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/(\*|[a-z0-9][a-z0-9!#$&^_.+-]{0,126})")
_APPROVER: Final = re.compile(r"(user|group):[a-z2-7]{1,32}")
_RULES: Final = frozenset({"allowed_domains", "allowed_types", "networks"})
# These name no limit that a stricter one could be told from, so a ceiling cannot state them; and who is inside is one
# question for the whole organization.
_ONLY_AT: Final[Mapping[str, frozenset[Scope]]] = {
    "internal_domains": frozenset({Scope.ORGANIZATION}),
    "approvers": frozenset({Scope.ORGANIZATION, Scope.GROUP, Scope.USER}),
}


def parse(document: Mapping[str, Any], scope: Scope) -> Statement:
    """Return what a level states; an absent field or null states nothing. InvalidInput names the field."""
    values: dict[str, Any] = {}
    for name, value in document.items():
        if name not in FIELDS or scope not in _ONLY_AT.get(name, frozenset(Scope)):
            raise InvalidInput(f"Check: {name}.")
        if value is not None:
            try:
                values[name] = _READERS[name](value)
            except (TypeError, ValueError):
                raise InvalidInput(f"Check: {name}.") from None
    return Statement(**values)


def document(statement: Statement) -> dict[str, Any]:
    """Inverse of `parse`; only what is stated."""
    stated = {name: getattr(statement, name) for name in FIELDS}
    return {name: _written(name, value) for name, value in stated.items() if value is not None}


def shown(policy: Policy) -> dict[str, Any]:
    """A policy in force for a program: each list of lists as it stands, for all must let a thing through."""
    return {
        name: sorted(map(sorted, getattr(policy, name))) if name in _RULES else _written(name, getattr(policy, name))
        for name in FIELDS
    }


def lists(*entries: Sequence[str]) -> Rules:
    """Rules of these lists; an empty list limits nothing."""
    return frozenset(frozenset(each) for each in entries if each)


def _written(name: str, value: Any) -> Any:
    if name in _RULES:
        return sorted(entry for rule in value for entry in rule)  # a level has one list
    if isinstance(value, frozenset):
        return sorted(value)
    return str(value) if isinstance(value, Approval) else value


def _entries(value: Any, read: Callable[[str], str]) -> frozenset[str]:
    if not isinstance(value, (list, tuple)) or len(value) > MAX_ENTRIES or not all(isinstance(e, str) for e in value):
        raise ValueError("not a list of texts")
    return frozenset(read(entry.strip().lower()) for entry in value)


def _matching(pattern: re.Pattern[str]) -> Callable[[str], str]:
    def read(entry: str) -> str:
        if not pattern.fullmatch(entry):
            raise ValueError("not in the form asked for")
        return entry

    return read


def _type(entry: str) -> str:
    if not _ENDING.fullmatch(entry) and not _MEDIA_TYPE.fullmatch(entry):
        raise ValueError("neither a name's ending nor a media type")
    return entry


def _network(entry: str) -> str:
    return str(ipaddress.ip_network(entry))


def _set_of(read: Callable[[str], str]) -> Callable[[Any], frozenset[str]]:
    return lambda value: _entries(value, read)


def _rules_of(read: Callable[[str], str]) -> Callable[[Any], Rules]:
    return lambda value: lists(sorted(_entries(value, read)))


def _number(low: int, high: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError("out of range")
        return value

    return read


def _yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("neither true nor false")
    return value


_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "allowed_domains": _rules_of(_matching(_DOMAIN)),
    "blocked_domains": _set_of(_matching(_DOMAIN)),
    "internal_domains": _set_of(_matching(_DOMAIN)),
    "may_send_outside": _yes_or_no,
    "allowed_types": _rules_of(_type),
    "blocked_types": _set_of(_type),
    "approval": Approval,
    "approvers": _set_of(_matching(_APPROVER)),
    "networks": _rules_of(_network),
    **{name: _number(*ends) for name, ends in RANGES.items()},
}
