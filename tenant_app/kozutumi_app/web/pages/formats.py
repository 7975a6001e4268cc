"""Sizes, times and durations as a person reads them, in Japanese or English."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from babel.dates import format_datetime
from babel.numbers import format_decimal

_JAPAN: Final = timezone(timedelta(hours=9), "JST")
_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")


def size(count: int, locale: str) -> str:
    """Bytes as a short text, in the units that sizes are typed in (domain.quantities)."""
    value, unit = float(count), 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    digits = "#,##0" if unit == 0 or value >= 100 else "#,##0.#"
    return f"{format_decimal(value, digits, locale=locale)} {_UNITS[unit]}"


def exact(count: int, locale: str) -> str:
    """Bytes, every digit."""
    return format_decimal(count, "#,##0", locale=locale)


def instant(moment: datetime | None, locale: str) -> str:
    """A time with its zone: Japan's for Japanese readers, UTC for everyone else."""
    if moment is None:
        return "–"
    if locale == "ja":
        return format_datetime(moment, "y年M月d日 HH:mm", tzinfo=_JAPAN, locale="ja") + " (日本時間)"
    return format_datetime(moment, "d MMM y, HH:mm", tzinfo=UTC, locale="en") + " UTC"


def iso(moment: datetime | None) -> str:
    """A time for machines (RFC 3339); empty for none."""
    return "" if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds")


def duration(seconds: int, locale: str) -> str:
    """A span in its largest whole unit: days, else hours, else minutes (at least one)."""
    for length, english, japanese in ((86_400, "day", "日"), (3_600, "hour", "時間"), (60, "minute", "分")):
        if seconds >= length or length == 60:
            count = max(1, seconds // length)
            return f"{count}{japanese}" if locale == "ja" else f"{count} {english}{'' if count == 1 else 's'}"
    raise AssertionError("the last unit always answers")
