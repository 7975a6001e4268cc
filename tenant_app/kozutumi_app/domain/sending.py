"""What a sender may choose and how often recipients may be mailed again. Pure; spans are seconds where not timedelta."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

RECIPIENTS: Final = 100
SUBJECT_LENGTH: Final = 200
MESSAGE_LENGTH: Final = 10_000
LONGEST_HOLD: Final = 30 * 86_400
SHORTEST_LIFE: Final = 300  # of what is delivered, when a sender brings the expiry forward

REMINDER_INTERVAL: Final = timedelta(minutes=15)
REMINDER_WINDOW: Final = timedelta(days=1)
MAXIMUM_REMINDERS: Final = 5

_WARNING: Final = 2 * 86_400


class Notify(StrEnum):
    """When the sender is told of downloads: never, of the very first, or of each recipient's first."""

    NEVER = "Never"
    FIRST = "First"
    EACH = "Each"


@dataclass(frozen=True, slots=True)
class Reminders:
    """Mails that one recipient got because the sender asked for them again."""

    reminded_at: datetime | None
    window_at: datetime | None
    count: int


def wait_seconds(sent: Reminders, now: datetime) -> int:
    """Seconds until this recipient may be mailed again; 0 for at once."""
    waits = [0.0]
    if sent.reminded_at is not None:
        waits.append((sent.reminded_at + REMINDER_INTERVAL - now).total_seconds())
    if sent.window_at is not None and sent.count >= MAXIMUM_REMINDERS:
        waits.append((sent.window_at + REMINDER_WINDOW - now).total_seconds())
    longest = max(waits)
    return int(longest) + (longest > int(longest))


def after_reminding(sent: Reminders, now: datetime) -> Reminders:
    if sent.window_at is None or now >= sent.window_at + REMINDER_WINDOW:
        return Reminders(now, now, 1)
    return Reminders(now, sent.window_at, sent.count + 1)


def warn_at(delivered_at: datetime, expires_at: datetime, warn_before: int | None) -> datetime | None:
    """When the sender is told that nobody fetched anything; None for never.

    Unless chosen: two days before the end, or halfway for what lives less than four days.
    """
    if warn_before == 0:
        return None
    lifetime = (expires_at - delivered_at).total_seconds()
    before = min(_WARNING, lifetime / 2) if warn_before is None else min(warn_before, lifetime)
    return expires_at - timedelta(seconds=before)


def given_up_at(created_at: datetime, lifetime: int, hold_for: int) -> datetime:
    """When a transfer that is still not delivered is given up, with what was uploaded for it."""
    return created_at + timedelta(seconds=lifetime + hold_for)
