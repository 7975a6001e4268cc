"""Framing of INSTREAM."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kozutumi_scanner import instream


def unframe(stream: bytes) -> list[bytes]:
    """As clamd reads it: length, chunk, length, chunk."""
    chunks = []
    while stream:
        length, stream = int.from_bytes(stream[:4], "big"), stream[4:]
        assert len(stream) >= length
        chunks.append(stream[:length])
        stream = stream[length:]
    return chunks


@given(
    size=st.integers(0, 3 * instream.CHUNK_BYTES + 2) | st.sampled_from([0, 1, 2**20 - 1, 2**20, 2**20 + 1, 2**21]),
    seed=st.binary(min_size=1, max_size=64),
)
def test_what_is_framed_arrives_whole_in_chunks_of_at_most_one_mebibyte(size: int, seed: bytes) -> None:
    data = (seed * (size // len(seed) + 1))[:size]
    chunks = unframe(b"".join(instream.frames(data)))
    assert b"".join(chunks) == data
    # A chunk of no bytes is the terminator: it would end the stream, and the rest would never be scanned.
    assert all(0 < len(chunk) <= instream.CHUNK_BYTES for chunk in chunks)
