"""Lists in pages, forward and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kozutumi_app.errors import NotFound
from kozutumi_app.web import paging
from kozutumi_app.web.paging import Page, cut


def names(count: int) -> list[str]:
    return [f"n{number}" for number in range(count)]


def page(count: int, after: str | None) -> Page[str]:
    return cut(names(count), 3, after, key=str)


@pytest.mark.parametrize(
    ("count", "after", "expected"),
    [
        (0, None, Page([], 1, 0, None, None)),
        (3, None, Page(["n0", "n1", "n2"], 1, 3, None, None)),
        (4, None, Page(["n0", "n1", "n2"], 1, 4, "n2", None)),
        (4, "n2", Page(["n3"], 4, 4, None, "")),
        (9, "n5", Page(["n6", "n7", "n8"], 7, 9, None, "n2")),
        (9, "n0", Page(["n1", "n2", "n3"], 2, 9, "n3", "")),
        (2, "n1", Page([], 3, 2, None, "")),
    ],
)
def test_a_page_knows_its_place_and_its_neighbours(count: int, after: str | None, expected: Page[str]) -> None:
    assert page(count, after) == expected


def test_the_api_refuses_a_place_that_is_not_there_and_a_page_begins_anew() -> None:
    with pytest.raises(NotFound):
        page(3, "gone")
    assert paging.shown(names(3), "gone", key=str).items == names(3)
    assert paging.shown(names(3), "", key=str).items == names(3)


@given(st.integers(0, 200))
def test_going_on_and_back_meets_every_item_once_and_the_same_pages(count: int) -> None:
    forward = [paging.shown(names(count), None, key=str)]
    while (place := forward[-1].next) is not None:
        forward.append(paging.shown(names(count), place, key=str))
    assert [name for each in forward for name in each.items] == names(count)
    assert [each.last for each in forward][:-1] == [each.first - 1 for each in forward][1:]
    back = [forward[-1]]
    while (place := back[-1].previous) is not None:
        back.append(paging.shown(names(count), place, key=str))
    assert back[::-1] == forward
