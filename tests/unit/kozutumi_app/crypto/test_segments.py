import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto_world import FILE, TENANT, key
from kozutumi_app.crypto import segments
from kozutumi_app.crypto.encoding import encode
from kozutumi_app.crypto.segments import CHUNK_BYTES, MAX_BYTES, SEALED_CHUNK_BYTES, Cipher, Writer

SALT = bytes(32)


def cipher(salt: bytes = SALT) -> Cipher:
    return Cipher(key(9), TENANT, FILE, "s" * 26, salt)


def sealed(content: bytes, sizes: list[int] | None = None) -> bytes:
    writer, start = Writer(cipher()), 0
    for size in sizes or [len(content)]:
        writer.write(content[start : start + size])
        start += size
    writer.write(content[start:])
    return writer.finish()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 3 * CHUNK_BYTES), st.lists(st.integers(1, 100_000), max_size=6))
def test_how_bytes_arrive_does_not_matter(length: int, sizes: list[int]) -> None:
    content = bytes(length)
    assert sealed(content, sizes) == sealed(content)
    assert len(sealed(content)) == segments.sealed_length(length)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_range_touches_only_its_chunks(data: st.DataObject) -> None:
    length = data.draw(st.integers(1, 4 * CHUNK_BYTES))
    start = data.draw(st.integers(0, length - 1))
    end = data.draw(st.integers(start + 1, length))
    content = (bytes(range(256)) * 1100)[:length]
    first, beyond, offset, size = segments.chunk_span(length, start, end)
    stored = sealed(content)[offset : offset + size]
    piece = data.draw(st.integers(1, 200_000))
    pieces = [stored[at : at + piece] for at in range(0, len(stored), piece)]
    assert b"".join(segments.opened(cipher(), length, start, end, pieces)) == content[start:end]
    assert size <= (beyond - first) * SEALED_CHUNK_BYTES
    assert beyond - first <= (end - start) // CHUNK_BYTES + 2


def test_same_bytes_under_another_salt_share_nothing() -> None:
    content = bytes(CHUNK_BYTES)
    one, other = cipher(bytes(32)).seal(0, content, last=True), cipher(b"\x01" * 32).seal(0, content, last=True)
    assert one != other


@pytest.mark.parametrize(("start", "end"), [(-1, 1), (0, 0), (5, 4), (0, 11)])
def test_range_outside_the_segment_is_a_mistake(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="inside"):
        segments.chunk_span(10, start, end)


def test_segment_is_never_empty_and_never_too_long() -> None:
    with pytest.raises(ValueError, match="never empty"):
        Writer(cipher()).finish()
    with pytest.raises(ValueError, match="8 MiB"):
        Writer(cipher()).write(bytes(MAX_BYTES + 1))


@given(st.lists(st.binary(max_size=20), max_size=4), st.lists(st.binary(max_size=20), max_size=4))
def test_different_fields_have_different_encodings(one: list[bytes], other: list[bytes]) -> None:
    assert (encode(*one) == encode(*other)) == (one == other)
