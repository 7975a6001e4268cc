import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto_world import key, ring
from kozutumi_app.crypto.columns import Columns
from kozutumi_app.crypto.encoding import CryptoError
from kozutumi_contract.keyring import KeyRing, KeyRingError, KeyVersion

COLUMNS = Columns(ring())


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_text_comes_back(text: str) -> None:
    assert COLUMNS.open("users", "email", "1", COLUMNS.seal("users", "email", "1", text)) == text


@pytest.mark.parametrize(
    "place", [("user", "email", "1"), ("users", "name", "1"), ("users", "email", "2"), ("userse", "mail", "1")]
)
def test_a_value_moved_elsewhere_is_refused(place: tuple[str, str, str]) -> None:
    sealed = COLUMNS.seal("users", "email", "1", "a@example.jp")
    with pytest.raises(CryptoError):
        COLUMNS.open(*place, sealed)


@given(st.integers(0, 40), st.integers(0, 7))
def test_any_flipped_bit_is_refused(position: int, bit: int) -> None:
    sealed = bytearray(COLUMNS.seal("t", "c", "1", "12345678"))
    sealed[position % len(sealed)] ^= 1 << bit
    with pytest.raises((CryptoError, KeyRingError)):
        COLUMNS.open("t", "c", "1", bytes(sealed))


def test_equal_texts_are_sealed_differently_but_indexed_alike() -> None:
    assert COLUMNS.seal("t", "c", "1", "x") != COLUMNS.seal("t", "c", "1", "x")
    assert COLUMNS.index("email", "x") == COLUMNS.index("email", "x")
    assert COLUMNS.index("email", "x") != COLUMNS.index("code", "x")


def test_after_rotation_old_values_open_and_new_ones_use_the_new_key() -> None:
    old = COLUMNS.seal("t", "c", "1", "x")
    versions = {1: ring().keys[1], 2: KeyVersion(2, key(7), "2026-02-01T00:00:00Z")}
    rotated = Columns(KeyRing(2, ring().index, ring().audit, versions))
    assert rotated.open("t", "c", "1", old) == "x"
    with pytest.raises(KeyRingError, match="escrow"):
        COLUMNS.open("t", "c", "1", rotated.seal("t", "c", "1", "x"))


def test_audit_details_are_bound_to_their_event() -> None:
    sealed = COLUMNS.seal_audit("7", "details")
    assert COLUMNS.open_audit("7", sealed) == "details"
    for event, value in (("8", sealed), ("7", COLUMNS.seal("audit_events", "sealed", "7", "details")), ("7", b"")):
        with pytest.raises(CryptoError):
            COLUMNS.open_audit(event, value)
