"""How a moment is written in what this operator writes: RFC 3339, UTC, whole seconds, as Kubernetes does."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(moment: datetime) -> str:
    """`2026-01-02T03:04:05Z` of an aware datetime. Read back by `datetime.fromisoformat`."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
