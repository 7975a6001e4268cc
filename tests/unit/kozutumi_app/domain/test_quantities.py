"""Sizes and spans as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kozutumi_app.domain.quantities import SIZES, SPANS, Units, largest, read, write
from kozutumi_app.errors import InvalidInput

BOTH = st.sampled_from([SIZES, SPANS])
AMOUNTS = st.integers(0, 2**53)


@pytest.mark.parametrize(
    ("amount", "units", "written"),
    [
        (0, SIZES, ("0", "GiB")),
        (1, SIZES, ("1", "B")),
        (1000, SIZES, ("1000", "B")),
        (1024, SIZES, ("1", "KiB")),
        (1536 * 2**20, SIZES, ("1536", "MiB")),
        (2**31 - 1, SIZES, ("2147483647", "B")),
        (2**50, SIZES, ("1048576", "GiB")),
        (0, SPANS, ("0", "days")),
        (59, SPANS, ("59", "seconds")),
        (90, SPANS, ("90", "seconds")),
        (5400, SPANS, ("90", "minutes")),
        (129_600, SPANS, ("36", "hours")),
        (604_800, SPANS, ("7", "days")),
    ],
)
def test_what_is_stated_is_shown_in_the_largest_unit_that_divides_it(
    amount: int, units: Units, written: tuple[str, str]
) -> None:
    assert write(amount, units) == written
    assert read(*written, units) == amount


@given(BOTH, AMOUNTS)
def test_what_is_shown_is_read_back(units: Units, amount: int) -> None:
    assert read(*write(amount, units), units) == amount


@given(BOTH, AMOUNTS)
def test_no_larger_unit_would_do(units: Units, amount: int) -> None:
    shown = units[write(amount, units)[1]]
    assert [each for each in units.values() if each > shown and amount % each == 0] == []


@given(BOTH.flatmap(lambda units: st.tuples(st.just(units), st.sampled_from(sorted(units)))), st.integers(0, 10**6))
def test_what_is_typed_is_shown_as_the_same_amount(chosen: tuple[Units, str], number: int) -> None:
    units, unit = chosen
    amount = read(str(number), unit, units)
    assert amount == number * units[unit]
    assert read(*write(amount, units), units) == amount


@pytest.mark.parametrize(("number", "amount"), [(" 36 ", 129_600), ("３６", 129_600), ("0036", 129_600)])
def test_numbers_are_read_as_people_type_them(number: str, amount: int) -> None:
    assert read(number, "hours", SPANS) == amount


@pytest.mark.parametrize(
    ("number", "unit"),
    [
        *((number, "B") for number in ("", "1.5", "-1", "+1", "1e3", "1,024", "1_0", "many", "1" * 17, "٣")),
        *(("1", unit) for unit in ("", "GB", "days")),
    ],
)
def test_anything_else_is_refused_and_told_how(number: str, unit: str) -> None:
    with pytest.raises(InvalidInput, match="whole number and choose its unit"):
        read(number, unit, SIZES)


def test_an_empty_field_offers_the_largest_unit() -> None:
    assert (largest(SIZES), largest(SPANS)) == ("GiB", "days")
