import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto_world import FILE, MANIFEST, TENANT, StoredFile, load, ring, store
from kozutumi_app.crypto import wrapping
from kozutumi_app.crypto.encoding import CryptoError
from kozutumi_app.crypto.segments import SEALED_CHUNK_BYTES
from kozutumi_contract.keyring import KeyRing

CONTENT = bytes(range(251)) * 800  # 200 800 bytes
LENGTHS = [131_072, 5, 69_723]
WHOLE = store(CONTENT, LENGTHS)


def refused(objects: dict[str, bytes], **place: str) -> bool:
    """Nothing but a true beginning was released, and the reading ended with CryptoError."""
    released, error = load(objects, **place)
    return isinstance(error, CryptoError) and CONTENT.startswith(released) and len(released) < len(CONTENT)


def segment_key(number: int) -> str:
    return f"{FILE}/{WHOLE.manifest.segments[number].id}"


def test_untouched_file_is_read() -> None:
    assert load(WHOLE.objects) == (CONTENT, None)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_flipped_bit_is_refused(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(WHOLE.objects)))
    stored = bytearray(WHOLE.objects[name])
    position = data.draw(st.integers(0, len(stored) - 1))
    stored[position] ^= 1 << data.draw(st.integers(0, 7))
    released, error = load({**WHOLE.objects, name: bytes(stored)})
    assert isinstance(error, ValueError)
    assert CONTENT.startswith(released)
    assert len(released) < len(CONTENT)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_cut_or_added_byte_is_refused(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(WHOLE.objects)))
    stored = WHOLE.objects[name]
    cut = stored[: data.draw(st.integers(0, len(stored) - 1))]
    assert refused({**WHOLE.objects, name: cut})
    longer = stored + data.draw(st.binary(min_size=1, max_size=40))
    released, error = load({**WHOLE.objects, name: longer})
    assert isinstance(error, CryptoError)
    assert CONTENT.startswith(released)


def test_chunks_swapped_repeated_or_left_out_are_refused() -> None:
    stored = WHOLE.objects[segment_key(0)]
    first, second = stored[:SEALED_CHUNK_BYTES], stored[SEALED_CHUNK_BYTES:]
    for changed in (second + first, first + first, second, first, first + second + second):
        assert refused({**WHOLE.objects, segment_key(0): changed})


def test_segments_swapped_are_refused() -> None:
    objects = dict(WHOLE.objects)
    objects[segment_key(0)], objects[segment_key(2)] = objects[segment_key(2)], objects[segment_key(0)]
    assert refused(objects)


def test_segment_of_an_earlier_attempt_is_refused() -> None:
    earlier = store(CONTENT, [131_072, 69_728])  # same key and salts, other segment borders
    assert refused({**WHOLE.objects, segment_key(1): earlier.objects[segment_key(1)]})


def test_segment_of_another_file_is_refused() -> None:
    other = store(CONTENT, LENGTHS, file_id="g" * 26)
    spliced = {**WHOLE.objects, segment_key(0): other.objects[segment_key(0).replace(FILE, "g" * 26)]}
    assert refused(spliced)


def moved(stored: StoredFile, file_id: str) -> dict[str, bytes]:
    return {name.replace(FILE, file_id): data for name, data in stored.objects.items()}


def test_file_under_another_id_is_refused() -> None:
    assert refused(moved(WHOLE, "g" * 26), file_id="g" * 26)


def test_file_of_another_tenant_is_refused_even_under_the_same_key_ring() -> None:
    assert refused(WHOLE.objects, tenant="suzuki")


def test_each_object_is_bound_to_its_tenant() -> None:
    foreign = store(CONTENT, LENGTHS, tenant="suzuki")
    for name, data in foreign.objects.items():
        assert refused({**WHOLE.objects, name: data})


def test_manifest_under_another_id_is_refused() -> None:
    earlier = store(CONTENT[:10], [10])
    assert earlier.objects.keys() < WHOLE.objects.keys()
    assert refused({**WHOLE.objects, f"{FILE}/{MANIFEST}": WHOLE.objects[f"{FILE}/key"]})


def test_wrapped_key_names_its_version_and_needs_it() -> None:
    wrapped = WHOLE.objects[f"{FILE}/key"]
    assert wrapping.version(wrapped) == 1
    without = KeyRing(2, ring().index, ring().audit, {})
    with pytest.raises(ValueError, match="escrow"):
        wrapping.unwrap(without, TENANT, FILE, wrapped)
