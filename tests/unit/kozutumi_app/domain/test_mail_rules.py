from __future__ import annotations

from datetime import timedelta

import pytest

from kozutumi_app.domain import mail_rules
from kozutumi_app.domain.mail_rules import UNDELIVERED, MailState


@pytest.mark.parametrize(
    ("age", "seconds"),
    [
        (timedelta(), 5),
        (timedelta(seconds=9), 5),
        (timedelta(seconds=60), 30),
        (timedelta(minutes=20), 600),
        (timedelta(minutes=30), 900),
        (timedelta(days=3), 900),
    ],
)
def test_the_longer_it_waited_the_longer_it_waits_up_to_a_quarter_of_an_hour(age: timedelta, seconds: int) -> None:
    assert mail_rules.retry_seconds(age) == seconds


def test_a_mail_is_given_up_after_four_days_and_a_bounded_number_of_tries() -> None:
    age, tries = timedelta(), 0
    while not mail_rules.is_given_up(age):
        age += timedelta(seconds=mail_rules.retry_seconds(age))
        tries += 1
    assert timedelta(days=4) <= age < timedelta(days=4, minutes=15)
    assert tries < 400


@pytest.mark.parametrize("reported", [MailState.DELAYED, MailState.BOUNCED])
def test_a_report_is_news_once_and_never_after_a_failure(reported: MailState) -> None:
    assert mail_rules.follows(MailState.SENT, reported)
    assert not mail_rules.follows(reported, reported)
    assert mail_rules.follows(MailState.DELAYED, MailState.BOUNCED)
    assert not any(mail_rules.follows(state, reported) for state in UNDELIVERED)
