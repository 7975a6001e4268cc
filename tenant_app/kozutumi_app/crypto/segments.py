"""A segment: at most 8 MiB of a file as one object, in STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015; age's).

Plaintext is cut into chunks of 64 KiB; the last may be shorter, none is empty. Each is AES-256-GCM under a key
of this writing of this segment alone, so counting nonces from zero never meets a used one (SP 800-38D §8.2.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kozutumi_app.crypto.encoding import TAG_BYTES, CryptoError, derive, encode
from kozutumi_contract.secret import Secret

CHUNK_BYTES: Final = 64 * 1024
SEALED_CHUNK_BYTES: Final = CHUNK_BYTES + TAG_BYTES
MAX_BYTES: Final = 8 * 2**20
SALT_BYTES: Final = 32
_CONTEXT: Final = "kozutumi segment v1"


@dataclass(frozen=True, slots=True)
class Segment:
    """One committed segment. `id` is its object's name below the file's, `length` bytes of plaintext."""

    id: str
    salt: bytes
    length: int


def object_key(file_id: str, segment_id: str) -> str:
    return f"{file_id}/{segment_id}"


def chunk_count(length: int) -> int:
    return -(-length // CHUNK_BYTES)


def sealed_length(length: int) -> int:
    """Bytes of the object that holds `length` bytes of plaintext."""
    return length + chunk_count(length) * TAG_BYTES


class Cipher:
    """Seals or opens the chunks of one segment."""

    def __init__(self, key: Secret[bytes], tenant: str, file_id: str, segment_id: str, salt: bytes) -> None:
        if len(salt) != SALT_BYTES:
            raise CryptoError(f"a segment's salt is not {SALT_BYTES} bytes long")
        self._cipher = AESGCM(derive(key.reveal(), _CONTEXT, file_id, salt=salt))
        self._bound = encode(_CONTEXT, tenant, file_id, segment_id)

    def seal(self, index: int, chunk: bytes | bytearray | memoryview, *, last: bool) -> bytes:
        return self._cipher.encrypt(_nonce(index, last=last), chunk, self._bound)

    def open(self, index: int, sealed: bytes | memoryview, *, last: bool) -> bytes:
        try:
            return self._cipher.decrypt(_nonce(index, last=last), sealed, self._bound)
        except InvalidTag:
            raise CryptoError("a stored chunk was altered, cut, or belongs to another place") from None


class Writer:
    """Encrypts one segment as it arrives: holds ciphertext, and of the plaintext only the chunk being filled.

    Each Writer must be given a salt and an id drawn for it alone.
    """

    def __init__(self, cipher: Cipher) -> None:
        self._cipher = cipher
        self._chunk = bytearray(CHUNK_BYTES)
        self._filled = 0
        self._sealed: list[bytes] = []
        self.length = 0

    @property
    def room(self) -> int:
        return MAX_BYTES - self.length

    def write(self, data: bytes | memoryview) -> None:
        """Add plaintext, at most `room` bytes."""
        if len(data) > self.room:
            raise ValueError("a segment holds at most 8 MiB")
        self.length += len(data)
        start = 0
        while start < len(data):
            if self._filled == CHUNK_BYTES:  # more follows, so this was not the last
                self._seal(last=False)
            end = min(len(data), start + CHUNK_BYTES - self._filled)
            self._chunk[self._filled : self._filled + end - start] = data[start:end]
            self._filled += end - start
            start = end

    def finish(self) -> bytes:
        """Return the object's bytes; the segment ends here."""
        if not self.length:
            raise ValueError("a segment is never empty")
        self._seal(last=True)
        sealed, self._sealed = b"".join(self._sealed), []
        return sealed

    def _seal(self, *, last: bool) -> None:
        chunk = memoryview(self._chunk)[: self._filled]
        self._sealed.append(self._cipher.seal(len(self._sealed), chunk, last=last))
        self._filled = 0


def chunk_span(length: int, start: int, end: int) -> tuple[int, int, int, int]:
    """For plaintext [start, end) of a segment of `length`: first and past-the-last chunk, object offset and length."""
    if not 0 <= start < end <= length <= MAX_BYTES:
        raise ValueError("the range is not inside the segment")
    first, beyond = start // CHUNK_BYTES, chunk_count(end)
    offset = first * SEALED_CHUNK_BYTES
    return first, beyond, offset, min(beyond * SEALED_CHUNK_BYTES, sealed_length(length)) - offset


def opened(cipher: Cipher, length: int, start: int, end: int, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Plaintext [start, end), chunk by chunk, from `pieces` of exactly the object bytes that `chunk_span` names.

    Raises CryptoError before any byte of an altered, missing or surplus chunk is released.
    """
    first, beyond, _, expected = chunk_span(length, start, end)
    last = chunk_count(length) - 1
    for index, sealed in zip(range(first, beyond), _regrouped(pieces, expected), strict=True):
        chunk = cipher.open(index, sealed, last=index == last)
        base = index * CHUNK_BYTES
        yield chunk[max(start - base, 0) : end - base]


def _regrouped(pieces: Iterable[bytes], expected: int) -> Iterator[bytes]:
    """Cut `pieces` into sealed chunks; CryptoError unless they are `expected` bytes in all."""
    held = bytearray()
    remaining = expected
    for piece in pieces:
        held += piece
        if len(held) > remaining:
            raise CryptoError("a stored segment is longer than its manifest says")
        while len(held) >= min(SEALED_CHUNK_BYTES, remaining) > 0:
            size = min(SEALED_CHUNK_BYTES, remaining)
            yield bytes(held[:size])
            del held[:size]
            remaining -= size
    if remaining:
        raise CryptoError("a stored segment is shorter than its manifest says")


def _nonce(index: int, *, last: bool) -> bytes:
    """7 zero bytes, the chunk's number (4, big-endian), 1 on the last chunk: 96 bits."""
    return bytes(7) + index.to_bytes(4, "big") + (b"\x01" if last else b"\x00")
