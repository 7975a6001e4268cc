"""The one-time code that proves a recipient's mailbox (architecture.md §6 rule 2). Pure.

Eight digits, ten minutes, five attempts: a guesser who asks as often as allowed has 25 of 10^8 an hour.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

from kozutumi_app.domain.ports import Random

DIGITS: Final = 8
LIFE: Final = timedelta(minutes=10)
MAXIMUM_ATTEMPTS: Final = 5
RESEND_INTERVAL: Final = timedelta(seconds=60)
WINDOW: Final = timedelta(hours=1)
MAXIMUM_SENDS: Final = 5
SESSION_LIFE: Final = timedelta(hours=12)

_SPACE: Final = 10**DIGITS
_LIMIT: Final = 2**32 - 2**32 % _SPACE


class Answer(Enum):
    RIGHT = auto()
    WRONG = auto()
    EXPIRED = auto()
    EXHAUSTED = auto()


@dataclass(frozen=True, slots=True)
class Outstanding:
    """The code as stored. `browser_hash` is of the browser that asked: a code seen in a mailbox is useless elsewhere."""

    code_hash: bytes | None
    browser_hash: bytes | None
    expires_at: datetime | None
    attempts: int


@dataclass(frozen=True, slots=True)
class Sending:
    sent_at: datetime | None
    window_at: datetime | None
    sends: int


def new_code(random: Random) -> str:
    """Uniform: values that would favour small codes are drawn again."""
    while True:
        value = int.from_bytes(random(4), "big")
        if value < _LIMIT:
            return f"{value % _SPACE:0{DIGITS}d}"


def judge(stored: Outstanding, code_hash: bytes, browser_hash: bytes, now: datetime) -> Answer:
    """A code asked for by another browser counts as expired, and costs its owner no attempt."""
    if stored.code_hash is None or stored.expires_at is None or now >= stored.expires_at:
        return Answer.EXPIRED
    if stored.browser_hash is None or not hmac.compare_digest(stored.browser_hash, browser_hash):
        return Answer.EXPIRED
    if stored.attempts >= MAXIMUM_ATTEMPTS:
        return Answer.EXHAUSTED
    return Answer.RIGHT if hmac.compare_digest(stored.code_hash, code_hash) else Answer.WRONG


def wait_seconds(sending: Sending, now: datetime) -> int:
    """Seconds until another code may be asked for; 0 for at once."""
    waits = [0.0]
    if sending.sent_at is not None:
        waits.append((sending.sent_at + RESEND_INTERVAL - now).total_seconds())
    if sending.window_at is not None and sending.sends >= MAXIMUM_SENDS:
        waits.append((sending.window_at + WINDOW - now).total_seconds())
    longest = max(waits)
    return int(longest) + (longest > int(longest))


def after_sending(sending: Sending, now: datetime) -> Sending:
    if sending.window_at is None or now >= sending.window_at + WINDOW:
        return Sending(now, now, 1)
    return Sending(now, sending.window_at, sending.sends + 1)
