from datetime import UTC, datetime, timedelta

import pytest

from kozutumi_app.domain.files import BoundVerdict, Release, is_current, is_readable
from kozutumi_app.domain.scanning import (
    AFTER_START,
    MOST_ATTEMPTS,
    RELEASABLE,
    RETRY_SECONDS,
    WAIT_SECONDS,
    Again,
    GiveUp,
    Reason,
    after_failure,
    is_overdue,
)

NOW = datetime(2026, 4, 1, tzinfo=UTC)
DAY = timedelta(days=1)
RELEASE = Release("m", "admin", "2026-04-01T00:00:00Z", "checked by hand")

FAILURES: list[tuple[str, timedelta, int, Again | GiveUp]] = [
    ("the scanner is away", timedelta(), 0, Again(WAIT_SECONDS)),
    ("and was for long", DAY - timedelta(seconds=1), 0, Again(WAIT_SECONDS)),
    ("and for too long", DAY, 0, GiveUp(Reason.TIMEOUT)),
    ("it took the content and broke off", timedelta(), 1, Again(RETRY_SECONDS[0])),
    ("again", timedelta(), 2, Again(RETRY_SECONDS[1])),
    ("for the last time but one", timedelta(), MOST_ATTEMPTS - 1, Again(RETRY_SECONDS[-1])),
    ("for the last time", timedelta(), MOST_ATTEMPTS, GiveUp(Reason.FAILED)),
    ("for the last time, and late", DAY, MOST_ATTEMPTS, GiveUp(Reason.FAILED)),
]


@pytest.mark.parametrize(
    ("waited", "attempts", "expected"), [case[1:] for case in FAILURES], ids=[case[0] for case in FAILURES]
)
def test_a_try_without_a_verdict(waited: timedelta, attempts: int, expected: Again | GiveUp) -> None:
    assert after_failure(NOW - waited, NOW, DAY, attempts) == expected


def test_every_road_ends() -> None:
    now, attempts, tries = NOW, 0, 0
    while isinstance(step := after_failure(NOW, now, DAY, attempts), Again):
        now += timedelta(seconds=step.seconds)
        attempts += tries % 2
        tries += 1
    assert tries < 2 * MOST_ATTEMPTS + 1
    assert now < NOW + DAY


@pytest.mark.parametrize(
    ("waited", "ran", "expected"),
    [
        (DAY, DAY, True),
        (DAY - timedelta(seconds=1), DAY, False),
        (9 * DAY, AFTER_START - timedelta(seconds=1), False),
        (9 * DAY, AFTER_START, True),
    ],
)
def test_what_waited_while_the_app_was_down_gets_its_chance(
    waited: timedelta, ran: timedelta, *, expected: bool
) -> None:
    assert is_overdue(NOW - waited, NOW, DAY, NOW - ran) is expected


def bound(verdict: str = "unscannable", manifest: str = "m", published: datetime | None = NOW) -> BoundVerdict:
    return BoundVerdict(verdict, manifest, signature_version="1", signature_published=published)


READABLE: list[tuple[str, BoundVerdict | None, Release | None, bool, bool]] = [
    ("Unscannable", bound(), RELEASE, True, True),
    ("Unscannable", bound(), RELEASE, False, False),
    ("Unscannable", bound(), None, True, False),
    ("Unscannable", bound(), Release("other", "admin", ""), True, False),
    ("Unscannable", bound(manifest="other"), RELEASE, True, False),
    ("Unscannable", bound("infected"), RELEASE, True, False),
    ("Unscannable", bound("refused"), RELEASE, True, False),
    ("Unscannable", bound("clean"), RELEASE, True, False),
    ("Unscannable", None, RELEASE, True, False),
    ("Infected", bound("infected"), RELEASE, True, False),
    ("Infected", bound(), RELEASE, True, False),
    ("Refused", bound(), RELEASE, True, False),
    ("Scanning", bound(), RELEASE, True, False),
    ("Clean", bound(), RELEASE, True, False),
    ("Clean", bound("clean"), None, False, True),
]


@pytest.mark.parametrize(("state", "verdict", "release", "allowed", "expected"), READABLE)
def test_a_release_opens_an_unscannable_file_and_nothing_else(
    state: str, verdict: BoundVerdict | None, release: Release | None, *, allowed: bool, expected: bool
) -> None:
    assert is_readable(state, "m", verdict, release, may_release=allowed) is expected


def test_damage_is_the_only_reason_that_cannot_be_released() -> None:
    assert set(Reason) - RELEASABLE == {Reason.DAMAGED}


@pytest.mark.parametrize(
    ("published", "version", "expected"),
    [
        (NOW, "1", True),
        (NOW, None, True),
        (NOW, "2", False),
        (NOW - DAY, "1", True),
        (NOW - DAY - timedelta(seconds=1), "1", False),
        (None, "1", False),
    ],
)
def test_clean_is_current_by_the_scanners_signatures_and_their_age(
    published: datetime | None, version: str | None, *, expected: bool
) -> None:
    assert is_current(bound("clean", published=published), version, NOW, DAY) is expected
