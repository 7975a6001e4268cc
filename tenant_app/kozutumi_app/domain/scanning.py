"""How long a file is tried for its verdict, and what a file is told that gets none. Pure.

Two limits: `deadline` over all, for a scanner that is away, busy or has no current signatures; and few tries for content
that the scanner took and gave no verdict on, since it may be the content itself that ends the scanner.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

# Seconds after the first, second, … failed try; after the last one there is no other.
RETRY_SECONDS: Final = (5, 30, 120, 600)
MOST_ATTEMPTS: Final = len(RETRY_SECONDS) + 1
WAIT_SECONDS: Final = 5  # asking for the scanner's status is cheap, and someone waits for the file
# A file that waited while the app itself was down is tried for this long before it is given up.
AFTER_START: Final = timedelta(minutes=15)


class Reason(StrEnum):
    """Why a file is Unscannable. The first four are the scanner's own words."""

    EXCEEDS_LIMITS = "exceeds_limits"
    ENCRYPTED = "encrypted"
    UNSUPPORTED_FORMAT = "unsupported_format"
    TOO_LARGE = "too_large"
    TIMEOUT = "timeout"
    FAILED = "failed"
    DAMAGED = "damaged"


RELEASABLE: Final = frozenset(Reason) - {Reason.DAMAGED}
"""What is damaged cannot be read by anyone, so there is nothing to release."""


@dataclass(frozen=True, slots=True)
class Again:
    """Try again after `seconds`."""

    seconds: int


@dataclass(frozen=True, slots=True)
class GiveUp:
    reason: Reason


def after_failure(since: datetime, now: datetime, deadline: timedelta, attempts: int) -> Again | GiveUp:
    """What follows a try without a verdict. `attempts`: those in which the scanner took the content, this one included."""
    if attempts >= MOST_ATTEMPTS:
        return GiveUp(Reason.FAILED)
    if now >= since + deadline:
        return GiveUp(Reason.TIMEOUT)
    return Again(RETRY_SECONDS[attempts - 1] if attempts else WAIT_SECONDS)


def is_overdue(since: datetime, now: datetime, deadline: timedelta, started: datetime) -> bool:
    """Whether to give up a file whose turn has not come. `started`: when the app did."""
    return now >= max(since + deadline, started + AFTER_START)
