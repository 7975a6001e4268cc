"""What is computed over a file's whole content while it is read: for people (SHA-256) and for zip archives (CRC-32). Pure."""

from __future__ import annotations

import hashlib
import zlib


class Digests:
    """SHA-256 (FIPS 180-4) and the CRC-32 of PKWARE's APPNOTE §4.4.7, over the same bytes."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self.crc32 = 0

    def update(self, chunk: bytes) -> None:
        self._sha256.update(chunk)
        self.crc32 = zlib.crc32(chunk, self.crc32)

    @property
    def sha256(self) -> str:
        """64 hexadecimal digits."""
        return self._sha256.hexdigest()

    @property
    def crc32_hex(self) -> str:
        """Eight hexadecimal digits."""
        return f"{self.crc32:08x}"
