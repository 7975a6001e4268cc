from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kozutumi_operator.organizations import quantities


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", "0"),
        ("20m", "0.02"),
        ("1.5", "1.5"),
        ("2k", "2000"),
        ("1Gi", "1073741824"),
        ("1e3", "1000"),
        (".5", "0.5"),
    ],
)
def test_quantity(text: str, value: str) -> None:
    assert quantities.quantity(text) == Decimal(value)


@pytest.mark.parametrize("text", ["", "Gi", "1 Gi", "-1", "1GiB", "1e", "ten", "1_000"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="quantity"):
        quantities.quantity(text)


@pytest.mark.parametrize(("text", "seconds"), [("72h", 259200), ("1h30m", 5400), ("90s", 90), ("1500ms", 1)])
def test_duration(text: str, seconds: int) -> None:
    assert quantities.duration(text) == seconds


@pytest.mark.parametrize("text", ["", "72", "3 days", "h", "-1h", "1h 30m"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        quantities.duration(text)


@settings(deadline=None)
@given(st.integers(min_value=0, max_value=2**50))
def test_mebibytes_never_round_down(count: int) -> None:
    assert 0 <= quantities.size(quantities.mebibytes(count)) - count < 2**20
