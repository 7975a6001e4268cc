"""Tokens that programs carry instead of a session: what they may do, how long they live, what they look like. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum
from typing import Final

from kozutumi_app.domain.identifiers import new_token
from kozutumi_app.domain.ports import Random
from kozutumi_app.errors import InvalidInput

MAXIMUM_LIFE: Final = timedelta(days=366)
MAXIMUM_TOKENS: Final = 50  # live ones of one person or service account
_NAME_LENGTH: Final = 100


class Scope(StrEnum):
    """What a token is for. `…:write` includes `…:read`; what no scope names, no token may do."""

    TRANSFERS_READ = "transfers:read"
    TRANSFERS_WRITE = "transfers:write"
    REQUESTS_READ = "requests:read"
    REQUESTS_WRITE = "requests:write"
    AUDIT_READ = "audit:read"
    ADMIN = "admin"


class Owner(StrEnum):
    """Whose token it is; its value begins the token, so that a leaked one is recognized by who finds it."""

    PERSON = "kzp"
    SERVICE = "kzs"


_INCLUDED: Final = {Scope.TRANSFERS_WRITE: Scope.TRANSFERS_READ, Scope.REQUESTS_WRITE: Scope.REQUESTS_READ}
FOR_ADMINISTRATORS: Final = frozenset({Scope.AUDIT_READ, Scope.ADMIN})


def issue(random: Random, owner: Owner) -> str:
    """Return a new token: its owner's prefix and 256 random bits."""
    return f"{owner}_{new_token(random)}"


def allows(granted: Iterable[Scope], wanted: Scope | None) -> bool:
    """Whether scopes reach an act; one without a scope (None) is for people with a session alone."""
    held = frozenset(granted)
    return wanted is not None and (wanted in held or any(_INCLUDED.get(scope) is wanted for scope in held))


def parse_scopes(texts: Iterable[str]) -> tuple[Scope, ...]:
    """At least one, each known; in the order of `Scope`. InvalidInput otherwise."""
    wanted = set(texts)
    if not wanted or wanted - {scope.value for scope in Scope}:
        raise InvalidInput(f"Scopes are: {', '.join(Scope)}.")
    return tuple(scope for scope in Scope if scope in wanted)


def parse_life(days: int) -> timedelta:
    if not 1 <= days <= MAXIMUM_LIFE.days:
        raise InvalidInput(f"A token lives 1 to {MAXIMUM_LIFE.days} days.")
    return timedelta(days=days)


def parse_name(text: str) -> str:
    name = unicodedata.normalize("NFC", text.strip())
    if not name or len(name) > _NAME_LENGTH or not name.isprintable():
        raise InvalidInput(f"A name has 1 to {_NAME_LENGTH} characters.")
    return name
