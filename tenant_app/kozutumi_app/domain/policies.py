"""What a member may send: levels that state it, and the one rule by which they give the policy in force. Pure.

For each field by itself, the most specific level that states it wins: the member's own policy, else those of the
member's groups (of several the strictest), else the organization's, else the default. What won is then brought within
every ceiling, the administrators' and the provider's, by taking the stricter of the two. So no level can loosen what a
ceiling says, and an empty list at a level says "no limit here" within the ceilings.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import reduce
from typing import Any, Final

from kozutumi_app.domain.accounts import is_at

Rules = frozenset[frozenset[str]]  # lists of which each must let a thing through; none: everything passes


class Scope(StrEnum):
    CEILING = "ceiling"
    ORGANIZATION = "organization"
    GROUP = "group"
    USER = "user"


class Approval(StrEnum):
    NEVER = "Never"
    EXTERNAL = "External"
    ALWAYS = "Always"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What one level says; None: nothing. Sizes are bytes, durations seconds.

    Domains stand for their subdomains too. `internal_domains` are the organization's own: whoever has no address there, and no account, is outside.
    `approvers` are `user:<id>` and `group:<id>`.
    """

    allowed_domains: Rules | None = None
    blocked_domains: frozenset[str] | None = None
    internal_domains: frozenset[str] | None = None
    may_send_outside: bool | None = None
    max_file_size: int | None = None
    allowed_types: Rules | None = None
    blocked_types: frozenset[str] | None = None
    max_expiry: int | None = None
    max_downloads: int | None = None
    approval: Approval | None = None
    approvers: frozenset[str] | None = None
    approvals_needed: int | None = None
    approval_expiry: int | None = None
    hold_for: int | None = None
    networks: Rules | None = None


FIELDS: Final = tuple(each.name for each in dataclasses.fields(Statement))
_STRICTNESS: Final = tuple(Approval)


def _union(one: Any, other: Any) -> Any:
    return one | other


def _both(one: bool, other: bool) -> bool:  # noqa: FBT001 - one of the binary operations below
    return one and other


def _stricter_approval(one: Approval, other: Approval) -> Approval:
    return max(one, other, key=_STRICTNESS.index)


# More lists that must each let a thing through, more that is blocked and more who must agree are stricter. Who counts as
# inside and who may approve have no order; several statements of them are taken together.
STRICTER: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "allowed_domains": _union,
    "blocked_domains": _union,
    "internal_domains": _union,
    "may_send_outside": _both,
    "max_file_size": min,
    "allowed_types": _union,
    "blocked_types": _union,
    "max_expiry": min,
    "max_downloads": min,
    "approval": _stricter_approval,
    "approvers": _union,
    "approvals_needed": max,
    "approval_expiry": min,
    "hold_for": max,
    "networks": _union,
}

UNLIMITED: Final = 2**62
DEFAULTS: Final = Statement(
    allowed_domains=frozenset(),
    blocked_domains=frozenset(),
    internal_domains=frozenset(),
    may_send_outside=True,
    max_file_size=UNLIMITED,
    allowed_types=frozenset(),
    blocked_types=frozenset(),
    max_expiry=UNLIMITED,
    max_downloads=UNLIMITED,
    approval=Approval.NEVER,
    approvers=frozenset(),
    approvals_needed=1,
    approval_expiry=7 * 86_400,
    hold_for=0,
    networks=frozenset(),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What is in force for one member. `origins`: by field, the level that decided ("ceiling" where one cut it)."""

    allowed_domains: Rules
    blocked_domains: frozenset[str]
    internal_domains: frozenset[str]
    may_send_outside: bool
    max_file_size: int
    allowed_types: Rules
    blocked_types: frozenset[str]
    max_expiry: int
    max_downloads: int
    approval: Approval
    approvers: frozenset[str]
    approvals_needed: int
    approval_expiry: int
    hold_for: int
    networks: Rules
    origins: Mapping[str, str] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Levels:
    """Everything that is stated about one member, from the most specific to the ceilings."""

    user: Statement = Statement()
    groups: Sequence[Statement] = ()
    organization: Statement = Statement()
    ceilings: Sequence[Statement] = ()


def resolve(levels: Levels) -> Policy:
    """The rule of this module's first lines."""
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for name in FIELDS:
        won, origin = _most_specific(name, levels)
        values[name] = _within(name, won, levels.ceilings)
        origins[name] = origin if values[name] == won else Scope.CEILING.value
    return Policy(**values, origins=origins)


def common_domains(rules: Rules) -> list[str]:
    """Domains that every list lets through, for showing; nothing when no list limits."""
    entries = {entry for rule in rules for entry in rule}
    return sorted(entry for entry in entries if all(is_at(entry, rule) for rule in rules))


def _most_specific(name: str, levels: Levels) -> tuple[Any, str]:
    own = getattr(levels.user, name)
    if own is not None:
        return own, Scope.USER.value
    of_groups = [value for group in levels.groups if (value := getattr(group, name)) is not None]
    if of_groups:
        return reduce(STRICTER[name], of_groups), Scope.GROUP.value
    general = getattr(levels.organization, name)
    if general is not None:
        return general, Scope.ORGANIZATION.value
    return getattr(DEFAULTS, name), "default"


def _within(name: str, value: Any, ceilings: Sequence[Statement]) -> Any:
    stated = [limit for ceiling in ceilings if (limit := getattr(ceiling, name)) is not None]
    return reduce(STRICTER[name], stated, value)
