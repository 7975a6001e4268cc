"""Which proof is enough, how often recipients are mailed again, and when the sender is warned."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from builders import CountingRandom
from kozutumi_app.domain import authentication, sending
from kozutumi_app.domain.authentication import Authentication
from kozutumi_app.domain.sending import Reminders

NOW = datetime(2026, 1, 5, 3, 0, tzinfo=UTC)
LINK, CODE, PASSWORD, ACCOUNT = Authentication


def days(count: float) -> timedelta:
    return timedelta(days=count)


def test_the_order_of_strength_is_link_code_password_account() -> None:
    assert [value.value for value in authentication.allowed(LINK)] == ["Link", "EmailCode", "Password", "Account"]


@pytest.mark.parametrize(
    ("floor", "allowed"),
    [
        (LINK, (LINK, CODE, PASSWORD, ACCOUNT)),
        (CODE, (CODE, PASSWORD, ACCOUNT)),
        (PASSWORD, (PASSWORD, ACCOUNT)),
        (ACCOUNT, (ACCOUNT,)),
    ],
)
def test_a_sender_may_ask_for_more_than_the_organization_never_for_less(
    floor: Authentication, allowed: tuple[Authentication, ...]
) -> None:
    assert authentication.allowed(floor) == allowed
    for chosen in Authentication:
        assert authentication.is_enough(chosen, floor) is (chosen in allowed)
        assert authentication.required(chosen, floor) is (chosen if chosen in allowed else floor)


def test_a_password_can_be_read_out_and_no_two_are_alike() -> None:
    random = CountingRandom()
    drawn = {authentication.new_password(random) for _ in range(1000)}
    assert len(drawn) == 1000
    assert all(set(text) <= set("abcdefghijklmnopqrstuvwxyz234567-") and len(text) == 19 for text in drawn)


@pytest.mark.parametrize(
    ("sent", "wait"),
    [
        (Reminders(None, None, 0), 0),
        (Reminders(NOW, NOW, 1), 900),
        (Reminders(NOW - timedelta(minutes=14, seconds=59.5), NOW, 1), 1),
        (Reminders(NOW - timedelta(minutes=15), NOW - days(0.1), 4), 0),
        (Reminders(NOW - timedelta(minutes=15), NOW - days(0.5), 5), 43_200),
        (Reminders(NOW - days(1), NOW - days(1), 5), 0),
    ],
)
def test_a_recipient_is_not_mailed_again_without_end(sent: Reminders, wait: int) -> None:
    assert sending.wait_seconds(sent, NOW) == wait


def test_reminders_are_counted_in_windows_of_a_day() -> None:
    first = sending.after_reminding(Reminders(None, None, 0), NOW)
    assert first == Reminders(NOW, NOW, 1)
    later = NOW + timedelta(hours=23)
    assert sending.after_reminding(first, later) == Reminders(later, NOW, 2)
    next_day = NOW + days(1)
    assert sending.after_reminding(Reminders(later, NOW, 5), next_day) == Reminders(next_day, next_day, 1)


@pytest.mark.parametrize(
    ("lifetime", "before", "expected"),
    [
        (days(7), None, days(5)),
        (days(4), None, days(2)),
        (days(1), None, days(0.5)),
        (days(7), 86_400, days(6)),
        (days(7), 30 * 86_400, days(0)),
        (days(7), 0, None),
    ],
)
def test_the_sender_is_warned_two_days_before_the_end_or_halfway(
    lifetime: timedelta, before: int | None, expected: timedelta | None
) -> None:
    assert sending.warn_at(NOW, NOW + lifetime, before) == (None if expected is None else NOW + expected)
