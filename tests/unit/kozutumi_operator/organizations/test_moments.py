from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from kozutumi_operator.organizations import moments

JAPAN = timezone(timedelta(hours=9))


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 999999, tzinfo=UTC), "2026-01-02T03:04:05Z"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=JAPAN), "2026-01-01T18:04:05Z"),
    ],
)
def test_a_moment_is_written_in_utc_and_whole_seconds(moment: datetime, text: str) -> None:
    assert moments.rfc3339(moment) == text
    assert datetime.fromisoformat(text) == moment.replace(microsecond=0)
