"""Clocks are compared from what their answers carry."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kozutumi_operator.organizations import clocks
from kozutumi_operator.organizations.clocks import Clock, Clocks
from kozutumi_operator.organizations.reasons import Reason

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("date", "ahead"),
    [
        ("Tue, 24 Nov 2026 12:00:00 GMT", 0.5),
        ("Tue, 24 Nov 2026 11:59:50 GMT", -9.5),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_an_http_date_is_taken_at_the_middle_of_its_second(date: str | None, ahead: float | None) -> None:
    assert clocks.offset_of_header(date, NOW, NOW) == ahead


@pytest.mark.parametrize(("text", "ahead"), [("2026-11-24T12:00:07Z", 7.0), ("2026-11-24T12:00:07", None), ("x", None)])
def test_a_time_without_zone_tells_nothing(text: str, ahead: float | None) -> None:
    assert clocks.offset_of_time(text, NOW, NOW) == ahead


@pytest.mark.parametrize(("told", "ahead"), [(-3, -3.0), (0, 0.0), (7, 0.0), (8, 0.0), (10, 2.0)])
def test_how_long_an_answer_was_on_its_way_is_no_difference_of_clocks(told: int, ahead: float) -> None:
    came = NOW + timedelta(seconds=8)
    text = (NOW + timedelta(seconds=told)).isoformat()
    assert clocks.offset_of_time(text, NOW, came) == ahead


def judged(**ahead: float | None) -> tuple[str, Reason, str]:
    return clocks.judge(Clocks(5, [Clock(name.replace("_", " "), offset) for name, offset in ahead.items()]))


def test_within_the_limit_either_way_they_agree() -> None:
    assert judged(object_store=5.0, app=-5.0, API_server=None)[:2] == ("True", Reason.CLOCKS_AGREE)


def test_who_is_off_and_which_way_is_named_without_a_figure_that_changes() -> None:
    status, reason, message = judged(object_store=0.1, app=7.3, API_server=-60.0)
    assert (status, reason) == ("False", Reason.CLOCK_SKEW)
    assert "app more than 5 s ahead; API server more than 5 s behind" in message
    assert judged(object_store=0.4, app=9.9, API_server=-61.0)[2] == message


def test_where_all_others_agree_against_the_operator_its_own_clock_is_named() -> None:
    assert (
        "operator's own clock is more than 5 s behind all others (object store, app and API server)"
        in (judged(object_store=30.0, app=30.2, API_server=29.8)[2])
    )


def test_nothing_is_claimed_before_a_clock_was_seen() -> None:
    assert judged(object_store=None)[:2] == ("Unknown", Reason.CLOCK_PENDING)
    assert clocks.judge(None)[:2] == ("Unknown", Reason.CLOCK_PENDING)


@pytest.mark.parametrize("seconds", [0, 4, 5])
def test_a_difference_counts_from_the_limit_on(seconds: int) -> None:
    offset = timedelta(seconds=seconds).total_seconds()
    assert not clocks.differs(offset, 5)
    assert clocks.differs(offset + 5.1, 5)
    assert not clocks.differs(None, 5)
