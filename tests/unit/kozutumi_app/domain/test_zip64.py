from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kozutumi_app.domain.zip64 import Archive, Content, Literal, Member

WHEN = datetime(2026, 11, 28, 1, 2, 3, tzinfo=UTC)
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\\\0"), min_size=1, max_size=40)


def members(contents: dict[str, bytes], when: datetime = WHEN) -> list[Member]:
    return [Member(name, len(content), zlib.crc32(content), when) for name, content in contents.items()]


def read(archive: Archive, contents: list[bytes], start: int, end: int) -> bytes:
    pieces = archive.pieces(start, end)
    return b"".join(
        piece.data if isinstance(piece, Literal) else contents[piece.index][piece.start : piece.end] for piece in pieces
    )


def whole(contents: dict[str, bytes], when: datetime = WHEN) -> bytes:
    archive = Archive(members(contents, when))
    made = read(archive, list(contents.values()), 0, archive.size)
    assert len(made) == archive.size
    return made


@given(st.dictionaries(NAMES, st.binary(max_size=200), max_size=6), st.data())
def test_pythons_reader_finds_what_was_put_in_and_any_range_is_part_of_the_whole(
    contents: dict[str, bytes], data: st.DataObject
) -> None:
    made = whole(contents)
    with zipfile.ZipFile(io.BytesIO(made)) as opened:
        assert {info.filename: opened.read(info) for info in opened.infolist()} == contents
        assert opened.testzip() is None
        assert all(info.flag_bits == 1 << 11 for info in opened.infolist())
        assert all(info.compress_type == zipfile.ZIP_STORED for info in opened.infolist())
    start = data.draw(st.integers(0, len(made)))
    end = data.draw(st.integers(start, len(made)))
    archive = Archive(members(contents))
    assert read(archive, list(contents.values()), start, end) == made[start:end]


def test_an_archive_of_nothing_and_of_an_empty_file() -> None:
    assert len(whole({})) == 22
    with zipfile.ZipFile(io.BytesIO(whole({"空.txt": b""}))) as opened:
        assert opened.read("空.txt") == b""


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (WHEN, (2026, 11, 28, 1, 2, 2)),
        (datetime(1970, 1, 1, tzinfo=UTC), (1980, 1, 1, 0, 0, 0)),
        (datetime(2200, 1, 1, tzinfo=UTC), (2037, 12, 31, 0, 0, 0)),
    ],
)
def test_time_is_that_of_utc_and_within_what_a_zip_can_say(moment: datetime, expected: tuple[int, ...]) -> None:
    with zipfile.ZipFile(io.BytesIO(whole({"a": b"a"}, moment))) as opened:
        assert opened.infolist()[0].date_time == expected


@pytest.mark.slow
@pytest.mark.parametrize("count", [65_534, 65_535, 65_536])
def test_number_of_members_at_the_limit(count: int) -> None:
    archive = Archive([Member(str(number), 0, 0, WHEN) for number in range(count)])
    made = read(archive, [], 0, archive.size)
    assert (b"PK\x06\x06" in made[-98:]) is (count >= 65_535)
    with zipfile.ZipFile(io.BytesIO(made)) as opened:
        assert len(opened.infolist()) == count


class Sparse(io.RawIOBase):
    """An archive as a file, whose members are all zeros and take no memory."""

    def __init__(self, archive: Archive) -> None:
        self._archive, self._at = archive, 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._archive.size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        end = self._archive.size if size < 0 else min(self._archive.size, self._at + size)
        found = b"".join(
            piece.data if isinstance(piece, Literal) else bytes(piece.end - piece.start)
            for piece in self._archive.pieces(self._at, end)
        )
        self._at += len(found)
        return found


EDGE = 2**32 - 1
LARGE: list[tuple[str, list[int]]] = [
    ("one below the limit", [EDGE - 1]),
    ("one at the limit", [EDGE]),
    ("one beyond it", [EDGE + 1]),
    ("a small one that begins beyond it", [EDGE, 3]),
    ("small ones that begin at the limit ± 1", [EDGE - 40, 1, 1, 1]),
    ("two large ones", [5 * 2**30, 6 * 2**30, 1]),
]


@pytest.mark.parametrize(("case", "sizes"), LARGE)
def test_sizes_and_offsets_beyond_four_gibibytes(case: str, sizes: list[int]) -> None:
    listed = [
        Member(f"{number}-大.bin", size, zlib.crc32(bytes(size)) if size < EDGE - 99 else 0xDEADBEEF, WHEN)
        for number, size in enumerate(sizes)
    ]
    with zipfile.ZipFile(Sparse(Archive(listed))) as opened:
        infos = opened.infolist()
        assert [info.file_size for info in infos] == [info.compress_size for info in infos] == sizes, case
        for info, member in zip(infos, listed, strict=True):
            with opened.open(info) as content:  # checks the local header against the central one
                assert content.read(3) == bytes(min(3, member.size))
                assert member.crc32 == info.CRC


def on_disk(path: Path, archive: Archive, content: Callable[[Content], bytes | None]) -> None:
    """Write the archive; None of `content` leaves a hole of zeros."""
    with path.open("wb") as file:
        for piece in archive.pieces(0, archive.size):
            data = piece.data if isinstance(piece, Literal) else content(piece)
            if data is None and isinstance(piece, Content):
                file.seek(piece.end - piece.start, io.SEEK_CUR)
            else:
                file.write(data or b"")


def said_by_unzip(path: Path) -> str:
    unzip = shutil.which("unzip")
    assert unzip is not None, "install unzip (make packages)"
    command = [unzip, "-t", str(path)]
    environment = {"LC_ALL": "C.UTF-8"}
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)  # noqa: S603 - ours
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "No errors detected" in ran.stdout
    return ran.stdout


def test_unzip_reads_it_with_its_names(tmp_path: Path) -> None:
    contents = {"資料/見積書 №1.txt": b"content", "資料/😀.bin": bytes(70_000), "empty": b""}
    listed = list(contents.values())
    on_disk(tmp_path / "a.zip", Archive(members(contents)), lambda piece: listed[piece.index])
    said = said_by_unzip(tmp_path / "a.zip")
    assert all(name in said for name in contents)


@pytest.mark.slow
def test_unzip_reads_one_of_more_than_four_gibibytes(tmp_path: Path) -> None:
    size = 2**32 + 5
    block, crc = bytes(2**24), 0
    for start in range(0, size, len(block)):
        crc = zlib.crc32(block[: min(len(block), size - start)], crc)
    listed = [Member("大きい.bin", size, crc, WHEN), Member("後.txt", 3, zlib.crc32(b"abc"), WHEN)]
    on_disk(tmp_path / "a.zip", Archive(listed), lambda piece: b"abc" if piece.index else None)
    said_by_unzip(tmp_path / "a.zip")


@settings(max_examples=30)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=5), st.integers(1, 64))
def test_pieces_of_consecutive_ranges_follow_each_other(sizes: list[int], step: int) -> None:
    archive = Archive([Member(str(number), size, 0, WHEN) for number, size in enumerate(sizes)])
    contents = [bytes([number]) * size for number, size in enumerate(sizes)]
    joined = b"".join(
        read(archive, contents, start, min(start + step, archive.size)) for start in range(0, archive.size, step)
    )
    assert joined == read(archive, contents, 0, archive.size)
