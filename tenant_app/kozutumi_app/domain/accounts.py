"""Users of the organization: roles, addresses, lock-out, life of sessions and invitations. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum
from typing import Final

from email_validator import EmailNotValidError, validate_email

from kozutumi_app.errors import InvalidInput

INVITATION_LIFE: Final = timedelta(hours=72)
SESSION_IDLE: Final = timedelta(hours=12)
SESSION_LIFE: Final = timedelta(days=7)
LOCALES: Final = ("ja", "en")

_FREE_FAILURES: Final = 5
_FIRST_LOCK_SECONDS: Final = 30
_LONGEST_LOCK_SECONDS: Final = 3600


class Role(StrEnum):
    ADMINISTRATOR = "admin"
    MEMBER = "member"
    SERVICE = "service"  # no person: nobody signs in as it, and it acts through tokens alone


def parse_email(text: str) -> str:
    """Return the address as it is mailed to; InvalidInput if it is none (RFC 5321, RFC 6531 for non-ASCII)."""
    try:
        # Names are not looked up: DNS of the cluster says nothing about the relay's. RFC 6761's .test is a development domain.
        return validate_email(text.strip(), check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        raise InvalidInput("This is not an e-mail address.") from None


def look_up_form(email: str) -> str:
    """NFC and casefold: nobody has two mailboxes that differ in case, and an attacker must not get a second try."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", email).casefold())


def domain_of(email: str) -> str:
    return look_up_form(email).rpartition("@")[2]


def is_at(domain: str, listed: Iterable[str]) -> bool:
    """Whether `domain` is one of these domains or a subdomain of one."""
    return any(domain == each or domain.endswith(f".{each}") for each in listed)


def lock_seconds(failures: int) -> int:
    """How long an account is locked after so many failures in a row: none for four, then doubling up to an hour."""
    if failures < _FREE_FAILURES:
        return 0
    return int(min(_FIRST_LOCK_SECONDS * 2 ** min(failures - _FREE_FAILURES, 20), _LONGEST_LOCK_SECONDS))


def parse_locale(text: str | None) -> str:
    return text if text in LOCALES else LOCALES[0]
