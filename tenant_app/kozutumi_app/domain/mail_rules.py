"""What becomes of a mail, and how long the queue tries. Pure.

The relay tries on its own after it has accepted a mail (RFC 5321 §4.5.4.1); these times are for the way to the relay.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Final

GIVE_UP_AFTER: Final = timedelta(days=4)
_FIRST_SECONDS: Final = 5
_LONGEST_SECONDS: Final = 900


class MailState(StrEnum):
    """`SENT`: the relay has it. `REFUSED` and `BOUNCED`: the recipient's side will not have it. `GIVEN_UP`: tried too long."""

    SENT = "sent"
    DELAYED = "delayed"
    REFUSED = "refused"
    GIVEN_UP = "given_up"
    BOUNCED = "bounced"


UNDELIVERED: Final = frozenset({MailState.REFUSED, MailState.GIVEN_UP, MailState.BOUNCED})


def retry_seconds(age: timedelta) -> int:
    """Wait half as long again as was waited so far: 5 s at first, a quarter of an hour at most."""
    return int(min(max(age.total_seconds() / 2, _FIRST_SECONDS), _LONGEST_SECONDS))


def is_given_up(age: timedelta) -> bool:
    return age >= GIVE_UP_AFTER


def follows(state: str, reported: MailState) -> bool:
    """Whether a report changes anything: a delay is no news after a failure, and nothing is reported twice."""
    if state in UNDELIVERED:
        return False
    return state != reported
