from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kozutumi_contract import canonical
from kozutumi_contract.canonical import NotCanonicalError

whole = st.integers(-canonical.LARGEST, canonical.LARGEST)
text = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | whole | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_layout_and_order_change_nothing(value: Any) -> None:
    laid_out = json.dumps(value, indent=3, ensure_ascii=True).encode()
    assert canonical.encode(canonical.decode(laid_out)) == canonical.encode(value)
    assert canonical.decode(canonical.encode(value)) == value


def test_the_examples_of_rfc_8785() -> None:
    """Section 3.2.3 (order of names) and 3.2.2.2 (escapes), without the fractions."""
    names = {"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew", "1": "One", "\U0001f600": "Emoji"}
    order = ["Carriage Return", "One", "Euro Sign", "Emoji", "Hebrew"]
    encoded = canonical.encode(names).decode()
    assert [encoded.index(each) for each in order] == sorted(encoded.index(each) for each in order)
    assert canonical.encode("\u20ac$\u000f\nA'B\"\\/") == '"€$\\u000f\\nA\'B\\"\\\\/"'.encode()
    assert canonical.encode({"literals": [None, True, False]}) == b'{"literals":[null,true,false]}'


@pytest.mark.parametrize("value", [1.5, float("nan"), 2**53, "\ud800", {"\ud800": 1}, {1: 2}, object(), [b"bytes"]])
def test_what_has_no_one_form_is_refused(value: Any) -> None:
    with pytest.raises(NotCanonicalError):
        canonical.encode(value)


@pytest.mark.parametrize("file", [b'{"a":1,"a":2}', b"1.0", b"NaN", b"\xff", b"{", b"[" * 100_000])
def test_what_two_readers_could_read_differently_is_refused(file: bytes) -> None:
    with pytest.raises(NotCanonicalError):
        canonical.decode(file)
