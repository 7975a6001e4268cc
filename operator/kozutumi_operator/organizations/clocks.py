"""Whether the clocks that an organization's records depend on agree (ISO/IEC 27017 CLD.12.4.5, 27002 A.8.17)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, Literal

from kozutumi_operator.organizations.reasons import Reason

STORE: Final = "object store"
APP: Final = "app"
API_SERVER: Final = "API server"
_HALF_SECOND: Final = timedelta(seconds=0.5)


@dataclass(frozen=True, slots=True)
class Clock:
    """`ahead`: seconds by which it was ahead of the operator's in its last answer, None while it gave none."""

    name: str
    ahead: float | None


@dataclass(frozen=True, slots=True)
class Clocks:
    """`limit`: seconds of difference that are allowed either way."""

    limit: int
    others: Sequence[Clock]


def offset_of_header(date: str | None, asked: datetime, now: datetime) -> float | None:
    """Seconds by which an HTTP Date (RFC 9110 §6.6.1) is ahead; None where there is none to read.

    It was written between `asked` and `now`. The header counts whole seconds, so its middle is taken.
    """
    try:
        sent = parsedate_to_datetime(date or "")
    except ValueError:
        return None
    return None if sent.tzinfo is None else _outside(sent + _HALF_SECOND, asked, now)


def offset_of_time(text: str, asked: datetime, now: datetime) -> float | None:
    """The same for an RFC 3339 time."""
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if told.tzinfo is None else _outside(told, asked, now)


def _outside(told: datetime, asked: datetime, now: datetime) -> float:
    """Seconds. An answer that was long on its way is old when it comes: that says nothing about the clock."""
    if asked <= told <= now:
        return 0.0
    return (told - (asked if told < asked else now)).total_seconds()


def differs(offset: float | None, limit: float) -> bool:
    return offset is not None and abs(offset) > limit


def judge(clocks: Clocks | None) -> tuple[Literal["True", "False", "Unknown"], Reason, str]:
    """Status, reason and message of ClockInSync. No figure is in the message: it would change with each look."""
    known = [each for each in clocks.others if each.ahead is not None] if clocks else []
    if clocks is None or not known:
        message = "No clock has been compared with the operator's yet; no action needed."
        return "Unknown", Reason.CLOCK_PENDING, message
    ahead = [each.name for each in known if each.ahead is not None and each.ahead > clocks.limit]
    behind = [each.name for each in known if each.ahead is not None and each.ahead < -clocks.limit]
    if not ahead and not behind:
        message = f"The clocks of {_joined([each.name for each in known])} agree with the operator's."
        return "True", Reason.CLOCKS_AGREE, message
    return "False", Reason.CLOCK_SKEW, _told(ahead, behind, len(known), clocks.limit)


def _told(ahead: list[str], behind: list[str], known: int, limit: int) -> str:
    if known > 1 and known in (len(ahead), len(behind)):
        way = "behind" if ahead else "ahead of"
        return (
            f"The operator's own clock is more than {limit} s {way} all others ({_joined(ahead or behind)}); "
            "see that the operator's node synchronises its clock (NTP)."
        )
    parts = [
        f"{_joined(each)} more than {limit} s {way}" for each, way in ((ahead, "ahead"), (behind, "behind")) if each
    ]
    return (
        f"Clocks differ from the operator's: {'; '.join(parts)}. "
        "See that the hosts they run on synchronise their clocks (NTP)."
    )


def _joined(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
