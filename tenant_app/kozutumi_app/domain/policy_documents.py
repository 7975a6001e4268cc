"""A level's policy as it is written and stored: JSON with the fields of `Statement`, lists where that has sets. Pure."""

from __future__ import annotations

import contextlib
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
    """Return what a level states; an absent field or null states nothing. InvalidInput tells of each field what it may be."""
    if all(_is_statable(name, scope) for name in document):
        with contextlib.suppress(TypeError, ValueError):
            return Statement(**{name: _READERS[name](value) for name, value in document.items() if value is not None})
    wrong = sorted(faults(document, scope))
    raise InvalidInput(" ".join(f"{name}: {_expected(name, scope)}." for name in wrong))


def faults(document: Mapping[str, Any], scope: Scope) -> dict[str, tuple[str, ...]]:
    """Fields that this level cannot state so, each with the entries to correct; with none where the whole is wrong."""
    return {
        name: _odd_entries(name, value)
        for name, value in document.items()
        if not _is_statable(name, scope) or (value is not None and _refuses(_READERS[name], value))
    }


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


def _is_statable(name: str, scope: Scope) -> bool:
    return name in FIELDS and scope in _ONLY_AT.get(name, frozenset(Scope))


def _refuses(read: Callable[[Any], Any], value: Any) -> bool:
    try:
        read(value)
    except (TypeError, ValueError):
        return True
    return False


def _odd_entries(name: str, value: Any) -> tuple[str, ...]:
    if name not in _ENTRIES or not isinstance(value, (list, tuple)):
        return ()
    texts = [entry for entry in value if isinstance(entry, str)]
    return tuple(entry for entry in texts if _refuses(_ENTRIES[name], _folded(entry)))


def _expected(name: str, scope: Scope) -> str:
    if not _is_statable(name, scope):
        return f"the level {scope} does not state it"
    if name in RANGES:
        return "a whole number from {} to {}".format(*RANGES[name])
    return _FORMS[name]


def _written(name: str, value: Any) -> Any:
    if name in _RULES:
        return sorted(entry for rule in value for entry in rule)  # a level has one list
    if isinstance(value, frozenset):
        return sorted(value)
    return str(value) if isinstance(value, Approval) else value


def _entries(value: Any, read: Callable[[str], str]) -> frozenset[str]:
    if not isinstance(value, (list, tuple)) or len(value) > MAX_ENTRIES or not all(isinstance(e, str) for e in value):
        raise ValueError("not a list of texts")
    return frozenset(read(_folded(entry)) for entry in value)


def _folded(entry: str) -> str:
    return entry.strip().lower()


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


_ENTRIES: Final[Mapping[str, Callable[[str], str]]] = {
    "allowed_domains": _matching(_DOMAIN),
    "blocked_domains": _matching(_DOMAIN),
    "internal_domains": _matching(_DOMAIN),
    "allowed_types": _type,
    "blocked_types": _type,
    "approvers": _matching(_APPROVER),
    "networks": _network,
}
_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "may_send_outside": _yes_or_no,
    "approval": Approval,
    **{name: _rules_of(read) if name in _RULES else _set_of(read) for name, read in _ENTRIES.items()},
    **{name: _number(*ends) for name, ends in RANGES.items()},
}
_DOMAINS: Final = f"at most {MAX_ENTRIES} domains such as example.com"
_TYPES: Final = f"at most {MAX_ENTRIES} endings such as .pdf or media types such as image/*"
_FORMS: Final[Mapping[str, str]] = {
    "allowed_domains": _DOMAINS,
    "blocked_domains": _DOMAINS,
    "internal_domains": _DOMAINS,
    "allowed_types": _TYPES,
    "blocked_types": _TYPES,
    "approvers": f"at most {MAX_ENTRIES} of user:<id> or group:<id>",
    "networks": f"at most {MAX_ENTRIES} address ranges such as 192.0.2.0/24, with no bit set after the prefix",
    "may_send_outside": "true or false",
    "approval": "one of " + ", ".join(Approval),
}
