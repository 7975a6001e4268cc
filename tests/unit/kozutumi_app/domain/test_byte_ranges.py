from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kozutumi_app.domain.byte_ranges import Partial, Unsatisfiable, Whole, choose, matches

HEADERS = [
    (None, Whole()),
    ("bytes=0-0", Partial(0, 1)),
    ("BYTES=0-0", Partial(0, 1)),
    ("bytes= 0-0 ", Partial(0, 1)),
    ("bytes=2-100", Partial(2, 10)),
    ("bytes=9-", Partial(9, 10)),
    ("bytes=10-", Unsatisfiable()),
    ("bytes=99-100", Unsatisfiable()),
    ("bytes=-3", Partial(7, 10)),
    ("bytes=-30", Partial(0, 10)),
    ("bytes=-0", Unsatisfiable()),
    ("bytes=-", Whole()),
    ("bytes=", Whole()),
    ("bytes=5-4", Whole()),
    ("bytes=٣-", Whole()),
    ("bytes=" + "9" * 30 + "-", Whole()),
    ("lines=1-2", Whole()),
    ("bytes 0-1", Whole()),
    ("bytes=0-1,3-4", Whole()),  # a gap: the whole, not an answer in parts
    ("bytes=0-1,2-4", Partial(0, 5)),  # together one run
    ("bytes=2-4,0-1, ,", Partial(0, 5)),
    ("bytes=0-5,3-7", Partial(0, 8)),
    ("bytes=0-1,99-", Partial(0, 2)),  # what cannot be satisfied is left out (§14.2)
    ("bytes=98-,99-", Unsatisfiable()),
    ("bytes=0-1,x", Whole()),
    ("bytes=0-1,5-4", Whole()),
    ("bytes=" + ",".join(["0-0"] * 17), Whole()),
]


@pytest.mark.parametrize(("header", "expected"), HEADERS)
def test_ranges(header: str | None, expected: object) -> None:
    assert choose(header, None, '"e"', 10) == expected


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=0-0", "bytes=-1", "bytes=-0"])
def test_nothing_of_an_empty_file_can_be_satisfied(header: str) -> None:
    assert choose(header, None, '"e"', 0) == Unsatisfiable()


@pytest.mark.parametrize("if_range", ['"f"', 'W/"e"', "e", "Sat, 28 Nov 2026 01:00:00 GMT", ""])
def test_range_of_another_version_is_the_whole(if_range: str) -> None:
    assert choose("bytes=0-0", '"e"', '"e"', 10) == Partial(0, 1)
    assert choose("bytes=0-0", if_range, '"e"', 10) == Whole()


@given(st.integers(0, 30), st.integers(0, 40), st.integers(0, 40))
def test_a_range_is_what_a_list_would_give(size: int, first: int, last: int) -> None:
    content = bytes(range(size))
    chosen = choose(f"bytes={first}-{last}", None, '"e"', size)
    if last < first:
        assert chosen == Whole()
    elif first >= size:
        assert chosen == Unsatisfiable()
    else:
        assert isinstance(chosen, Partial)
        assert content[chosen.start : chosen.end] == content[first : last + 1]
        assert 0 <= chosen.start < chosen.end <= size


@given(st.text(max_size=60), st.integers(0, 20))
def test_whatever_is_written_gives_bytes_of_the_file_or_none(text: str, size: int) -> None:
    chosen = choose(f"bytes={text}", None, '"e"', size)
    if isinstance(chosen, Partial):
        assert 0 <= chosen.start < chosen.end <= size


TAGS = [
    ('"e"', True, True),
    ('"f"', False, False),
    ("*", True, True),
    ('"f", "e"', True, True),
    ('W/"e"', False, True),
    ('"f", W/"e"', False, True),
    ("e", False, False),
    ("", False, False),
]


@pytest.mark.parametrize(("header", "strong", "weak"), TAGS)
def test_preconditions_compare_strongly_or_weakly(header: str, *, strong: bool, weak: bool) -> None:
    assert matches(header, '"e"', weak=False) is strong
    assert matches(header, '"e"', weak=True) is weak
