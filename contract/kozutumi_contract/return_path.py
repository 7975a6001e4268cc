"""The envelope sender of a mail, to which reports come back: it names the organization and the mail. The format's one owner.

`bounces@mail.example` becomes `bounces+<service code><mail>@mail.example`. Nothing stands between code and mail, whose
length is fixed: "bounces+", the longest code and a mail are the 64 octets that a local part may have (RFC 5321 §4.5.3.1.1).
Without a code, as mails before that were sent, an address still names its mail. A later format must not match this one.

Whoever writes a report chooses what it names: the code is good for routing alone, the mail is an HMAC that its app knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from typing import Final

from kozutumi_contract.labels import SERVICE_CODE_PATTERN

MAIL_PATTERN: Final = "[a-z2-7]{26}"  # 128 bits in base32 (RFC 4648 §6), lower case
LONGEST_BASE: Final = 7  # octets of the local part that a platform chooses
# What tells of the recipient of a report, the relay's own words first.
HEADERS: Final = ("X-Original-To", "Delivered-To", "To")
_BASE: Final = re.compile(rf"[A-Za-z0-9._-]{{1,{LONGEST_BASE}}}@[^@\s]+")
_NAMED: Final = re.compile(rf"\+(?P<code>{SERVICE_CODE_PATTERN})?(?P<mail>{MAIL_PATTERN})@")


@dataclass(frozen=True, slots=True)
class ReturnPath:
    """`service_code` is None in an address of the earlier form."""

    service_code: str | None
    mail_id: str


def is_base(address: str) -> bool:
    """Whether addresses made from this one have room for every organization's code."""
    return _BASE.fullmatch(address) is not None


def address(base: str, service_code: str, mail_id: str) -> str:
    local, _, domain = base.rpartition("@")
    return f"{local}+{service_code}{mail_id}@{domain}"


def named(text: str) -> Iterator[ReturnPath]:
    """Every address of either form in `text`, in any letter case, in order."""
    for found in _NAMED.finditer(text.lower()):
        yield ReturnPath(found["code"], found["mail"])


def of_report(report: Message) -> Iterator[ReturnPath]:
    """What the header of a report says of where it came to."""
    for name in HEADERS:
        for value in report.get_all(name, ()):
            yield from named(str(value))
