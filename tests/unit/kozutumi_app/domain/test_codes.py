from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kozutumi_app.domain.codes import (
    MAXIMUM_SENDS,
    Answer,
    Outstanding,
    Sending,
    after_sending,
    judge,
    new_code,
    wait_seconds,
)

NOW = datetime(2026, 1, 5, tzinfo=UTC)
LATER = NOW + timedelta(minutes=10)


@pytest.mark.parametrize(
    ("stored", "answer"),
    [
        (Outstanding(b"code", b"browser", LATER, 0), Answer.RIGHT),
        (Outstanding(b"code", b"browser", LATER, 4), Answer.RIGHT),
        (Outstanding(b"code", b"browser", LATER, 5), Answer.EXHAUSTED),
        (Outstanding(b"other", b"browser", LATER, 0), Answer.WRONG),
        (Outstanding(b"other", b"browser", LATER, 5), Answer.EXHAUSTED),
        (Outstanding(b"code", b"other", LATER, 0), Answer.EXPIRED),
        (Outstanding(b"code", None, LATER, 0), Answer.EXPIRED),
        (Outstanding(None, b"browser", LATER, 0), Answer.EXPIRED),
        (Outstanding(b"code", b"browser", None, 0), Answer.EXPIRED),
        (Outstanding(b"code", b"browser", NOW, 0), Answer.EXPIRED),
    ],
)
def test_what_a_code_is_worth(stored: Outstanding, answer: Answer) -> None:
    assert judge(stored, b"code", b"browser", NOW) is answer


def test_values_that_would_favour_small_codes_are_drawn_again() -> None:
    draws = iter([b"\xff\xff\xff\xff", (4_200_000_000).to_bytes(4, "big"), (300_000_042).to_bytes(4, "big")])
    assert new_code(lambda _size: next(draws)) == "00000042"


@given(st.binary(min_size=4, max_size=4))
def test_a_code_has_eight_digits(first: bytes) -> None:
    draws = iter([first, bytes(4)])
    code = new_code(lambda _size: next(draws))
    assert len(code) == 8
    assert code.isdecimal()


def test_sending_is_spaced_and_counted() -> None:
    sending, now = Sending(None, None, 0), NOW
    for count in range(1, MAXIMUM_SENDS + 1):
        assert wait_seconds(sending, now) == 0
        sending = after_sending(sending, now)
        assert sending.sends == count
        assert wait_seconds(sending, now + timedelta(seconds=0.5)) == (60 if count < MAXIMUM_SENDS else 3360)
        now += timedelta(seconds=60)
    assert wait_seconds(sending, now) == 3600 - 300
    assert after_sending(sending, NOW + timedelta(hours=1)).sends == 1
