import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kozutumi_app.domain.checksums import ChecksumError, parse
from kozutumi_app.domain.files import BoundVerdict, FileState, is_complete, is_readable, merged, state_after
from kozutumi_app.domain.ports import Outcome, Verdict

NOW = datetime(2026, 4, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def verdict(outcome: Outcome, published: datetime | None) -> Verdict:
    return Verdict(outcome, None, None, "1", published)


VERDICTS: list[tuple[Outcome, datetime | None, FileState | None]] = [
    ("clean", NOW, FileState.CLEAN),
    ("clean", NOW - DAY, FileState.CLEAN),
    ("clean", NOW - DAY - timedelta(seconds=1), None),
    ("clean", NOW + timedelta(hours=2), None),
    ("clean", None, None),
    ("infected", None, FileState.INFECTED),
    ("infected", NOW - 9 * DAY, FileState.INFECTED),
    ("unscannable", NOW, FileState.UNSCANNABLE),
]


@pytest.mark.parametrize(("outcome", "published", "state"), VERDICTS)
def test_only_fresh_signatures_say_clean(outcome: Outcome, published: datetime | None, state: FileState | None) -> None:
    assert state_after(verdict(outcome, published), NOW, DAY) == state


READABLE = [
    ("Clean", "m", BoundVerdict("clean", "m"), True),
    ("Clean", "m", BoundVerdict("clean", "other"), False),
    ("Clean", "m", BoundVerdict("infected", "m"), False),
    ("Clean", "m", None, False),
    ("Clean", None, BoundVerdict("clean", "m"), False),
    *[
        (state, "m", BoundVerdict("clean", "m"), False)
        for state in ("Uploading", "Scanning", "Infected", "Unscannable")
    ],
]


@pytest.mark.parametrize(("state", "manifest_id", "bound", "expected"), READABLE)
def test_only_a_positive_verdict_on_this_manifest_is_readable(
    state: str, manifest_id: str | None, bound: BoundVerdict | None, *, expected: bool
) -> None:
    assert is_readable(state, manifest_id, bound) is expected


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=8))
def test_union_of_ranges_is_the_set_of_their_bytes(ranges: list[tuple[int, int]]) -> None:
    union: list[tuple[int, int]] = []
    for start, end in ranges:
        union = merged(union, start, end)
    assert {n for low, high in union for n in range(low, high)} == {n for low, high in ranges for n in range(low, high)}
    assert all(low < high for low, high in union)
    assert all(one[1] < other[0] for one, other in itertools.pairwise(union))


def test_complete_is_every_byte() -> None:
    assert is_complete(merged([(0, 5)], 5, 10), 10)
    assert is_complete([], 0)
    assert not is_complete([(0, 9)], 10)


@pytest.mark.parametrize(
    "header", ["", "sha1", "sha512 AAAA", "sha1 AAAA", "sha256 !", "SHA1 2jmj7l5rSw0yVb/vlWAYkK/YBwk="]
)
def test_unreadable_checksum_is_refused(header: str) -> None:
    with pytest.raises(ChecksumError):
        parse(header)


def test_checksum_matches_its_bytes_only() -> None:
    empty = parse("sha1 2jmj7l5rSw0yVb/vlWAYkK/YBwk=")
    assert empty.matches()
    empty.update(b"x")
    assert not empty.matches()
