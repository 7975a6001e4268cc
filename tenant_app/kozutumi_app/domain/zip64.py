"""A zip archive whose every byte is known before the first is sent (PKWARE APPNOTE 6.3.10). Pure.

Members are stored, not deflated, with size and CRC-32 in front, so the archive's length is exact and any range of it
can be made without reading what lies before. Names are UTF-8 (general purpose bit 11); sizes and offsets beyond
4 GiB, and more than 65,534 members, are written as ZIP64.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from typing import Final

_UTF8: Final = 1 << 11
_STORED: Final = 0
_VERSION: Final = 20
_VERSION_ZIP64: Final = 45
_UNIX: Final = 3 << 8
_REGULAR_FILE: Final = 0o100644 << 16
_MAX16: Final = 0xFFFF
_MAX32: Final = 0xFFFF_FFFF
_ZIP64_EXTRA: Final = 0x0001
_TIMESTAMP_EXTRA: Final = 0x5455  # Info-ZIP's "UT": the DOS fields know neither zone nor odd seconds
_FIRST: Final = datetime(1980, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(2037, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Member:
    """`name` has folders separated by "/" and is unique in its archive; `size` is bytes."""

    name: str
    size: int
    crc32: int
    modified: datetime


@dataclass(frozen=True, slots=True)
class Literal:
    """Bytes of the archive itself."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes [start, end) of the member at `index`."""

    index: int
    start: int
    end: int


class Archive:
    """Equal members in equal order make equal bytes."""

    def __init__(self, members: Sequence[Member]) -> None:
        self._pieces: list[Literal | Content] = []
        headers = [_local_header(member) for member in members]
        lengths = [len(header) + member.size for header, member in zip(headers, members, strict=True)]
        offsets = list(accumulate(lengths, initial=0))
        for index, (header, member) in enumerate(zip(headers, members, strict=True)):
            self._pieces.append(Literal(header))
            if member.size:
                self._pieces.append(Content(index, 0, member.size))
        directory = b"".join(_central_header(member, offset) for member, offset in zip(members, offsets, strict=False))
        end = _end(len(members), len(directory), offsets[-1])
        self._pieces.append(Literal(directory + end))
        self.size = offsets[-1] + len(directory) + len(end)
        """Bytes of the whole archive."""

    def pieces(self, start: int, end: int) -> Iterator[Literal | Content]:
        """Cut bytes [start, end) of the archive into what they are made of."""
        base = 0
        for piece in self._pieces:
            length = len(piece.data) if isinstance(piece, Literal) else piece.end
            low, high = max(start - base, 0), min(end - base, length)
            if low < high:
                yield Literal(piece.data[low:high]) if isinstance(piece, Literal) else Content(piece.index, low, high)
            base += length
            if base >= end:
                return


def _local_header(member: Member) -> bytes:
    """§4.3.7."""
    name, long = member.name.encode(), member.size >= _MAX32
    size = _MAX32 if long else member.size
    extra = (_zip64(member.size, member.size) if long else b"") + _timestamp(member.modified)
    fixed = struct.pack(
        "<4sHHHHHLLLHH",
        b"PK\x03\x04",
        _VERSION_ZIP64 if long else _VERSION,
        _UTF8,
        _STORED,
        *_dos(member.modified),
        member.crc32,
        size,
        size,
        len(name),
        len(extra),
    )
    return fixed + name + extra


def _central_header(member: Member, offset: int) -> bytes:
    """§4.3.12; of the ZIP64 fields only those that do not fit, in the order of §4.5.3."""
    name = member.name.encode()
    size = min(member.size, _MAX32)
    large = ([member.size, member.size] if size == _MAX32 else []) + ([offset] if offset >= _MAX32 else [])
    extra = (_zip64(*large) if large else b"") + _timestamp(member.modified)
    fixed = struct.pack(
        "<4sHHHHHHLLLHHHHHLL",
        b"PK\x01\x02",
        _UNIX | _VERSION_ZIP64,
        _VERSION_ZIP64 if large else _VERSION,
        _UTF8,
        _STORED,
        *_dos(member.modified),
        member.crc32,
        size,
        size,
        len(name),
        len(extra),
        0,
        0,
        0,
        _REGULAR_FILE,
        min(offset, _MAX32),
    )
    return fixed + name + extra


def _end(count: int, size: int, offset: int) -> bytes:
    """§§4.3.14 to 4.3.16: the end of the central directory, with the ZIP64 records before it where they are needed."""
    records = b""
    if count >= _MAX16 or size >= _MAX32 or offset >= _MAX32:
        versions = (_UNIX | _VERSION_ZIP64, _VERSION_ZIP64)
        records += struct.pack("<4sQHHLLQQQQ", b"PK\x06\x06", 44, *versions, 0, 0, count, count, size, offset)
        records += struct.pack("<4sLQL", b"PK\x06\x07", 0, offset + size, 1)
    counts = (min(count, _MAX16), min(count, _MAX16))
    return records + struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, *counts, min(size, _MAX32), min(offset, _MAX32), 0)


def _zip64(*values: int) -> bytes:
    return struct.pack(f"<HH{len(values)}Q", _ZIP64_EXTRA, 8 * len(values), *values)


def _timestamp(moment: datetime) -> bytes:
    seconds = int(min(max(moment, _FIRST), _LAST).timestamp())
    return struct.pack("<HHBl", _TIMESTAMP_EXTRA, 5, 1, seconds)


def _dos(moment: datetime) -> tuple[int, int]:
    """MS-DOS time and date (§4.4.6), of UTC."""
    utc = min(max(moment, _FIRST), _LAST).astimezone(UTC)
    time = utc.hour << 11 | utc.minute << 5 | utc.second // 2
    return time, (utc.year - 1980) << 9 | utc.month << 5 | utc.day
