"""Reports of what became of a mail: `multipart/report` with a delivery status (RFC 3464, RFC 6522; RFC 6533 for UTF-8). Pure.

A report says nothing that is believed by itself: it counts only if it names a mail of ours by its Message-ID, its
envelope id (RFC 3461 §4.4) or the envelope sender it was returned to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from typing import Final

from kozutumi_app.domain.mail_rules import MailState
from kozutumi_contract import return_path

_MAIL_ID: Final = re.compile(rf"(?<![a-z2-7]){return_path.MAIL_PATTERN}(?![a-z2-7])")
_STATUS: Final = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_STATES: Final = {"failed": MailState.BOUNCED, "delayed": MailState.DELAYED}
_DELIVERY_STATUS: Final = frozenset({"message/delivery-status", "message/global-delivery-status"})
_RETURNED: Final = frozenset({"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"})
_PARTS: Final = 20
_LINES: Final = (
    2000  # strangers write reports: each line may cost half a KiB to parse, and 64 KiB are 900 lines as mail has them
)
UNKNOWN_STATUS: Final = "5.0.0"


@dataclass(frozen=True, slots=True)
class Report:
    """`status` is the enhanced code (RFC 3463). `mail_ids` are what the report names as ours, most telling first."""

    state: MailState
    status: str
    mail_ids: tuple[str, ...]


def parse(raw: bytes) -> Report | None:
    """None for anything that reports neither a failure nor a delay, or names no mail."""
    try:
        return _parsed(message_from_bytes(b"".join(raw.splitlines(keepends=True)[:_LINES]), policy=compat32))
    except RecursionError:  # parts in parts in parts, as no mail system nests them
        return None


def _parsed(message: Message) -> Report | None:
    parts = [part for part, _ in zip(message.walk(), range(_PARTS), strict=False)]
    blocks = [block for part in parts if part.get_content_type() in _DELIVERY_STATUS for block in _blocks(part)]
    outcome = _outcome(blocks)
    if outcome is None:
        return None
    named = dict.fromkeys(_named(message, parts, blocks))
    return Report(*outcome, tuple(named)) if named else None


def _outcome(blocks: list[Mapping[str, str]]) -> tuple[MailState, str] | None:
    """Each of our mails has one recipient, so the worst of what is said is about them."""
    found = [
        (_STATES[action], _status(block))
        for block in blocks
        if (action := block.get("action", "").split("(")[0].strip().lower()) in _STATES
    ]
    return next((entry for entry in found if entry[0] is MailState.BOUNCED), found[0] if found else None)


def _status(block: Mapping[str, str]) -> str:
    found = _STATUS.search(block.get("status", ""))
    return found[1] if found else UNKNOWN_STATUS


def _named(message: Message, parts: list[Message], blocks: list[Mapping[str, str]]) -> Iterator[str]:
    for block in blocks:
        yield from _MAIL_ID.findall(block.get("original-envelope-id", ""))
    for part in parts:
        if part.get_content_type() in _RETURNED:
            yield from _MAIL_ID.findall(_fields(_text(part)).get("message-id", ""))
    for path in return_path.of_report(message):
        yield path.mail_id


def _blocks(part: Message) -> Iterator[Mapping[str, str]]:
    """Fields of the message and of each recipient: groups of header lines between empty lines (RFC 3464 §2.1)."""
    for block in re.split(r"\n[ \t]*\n", _text(part).strip()):
        yield _fields(block)


def _fields(text: str) -> dict[str, str]:
    """Header fields up to the first empty line, lower-case names, unfolded; the first of a name counts."""
    head = re.split(r"\n[ \t]*\n", text.lstrip(), maxsplit=1)[0]
    fields: dict[str, str] = {}
    for line in re.sub(r"\n[ \t]+", " ", head).splitlines():
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip().lower(), value.strip())
    return fields


def _text(part: Message) -> str:
    """A part's content as text: of an embedded message its source, of anything else its decoded body."""
    payload = part.get_payload()
    if isinstance(payload, list):
        text = "\n".join(str(entry) for entry in payload)
    else:
        decoded = part.get_payload(decode=True)
        text = decoded.decode(errors="replace") if isinstance(decoded, bytes) else str(payload)
    return text.replace("\r\n", "\n").replace("\r", "\n")
