"""A file's place in its transfer cannot leave it, on any system that unpacks it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kozutumi_app.domain.filenames import MAX_PATH_BYTES, safe_name, safe_path
from kozutumi_app.errors import InvalidInput

CASES = {
    "no folder": ("報告.pdf", ""),
    "one folder": ("資料/報告.pdf", "資料/報告.pdf"),
    "Windows separators": ("資料\\2026\\報告.pdf", "資料/2026/報告.pdf"),
    "absolute": ("/etc/passwd", "etc/passwd"),
    "a drive": ("C:/Windows/win.ini", "C_/Windows/win.ini"),
    "climbing out": ("../../etc/passwd", "etc/passwd"),
    "climbing in the middle": ("a/../../b/c", "a/b/c"),
    "dots and spaces only": ("a/ . /.../b", "a/b"),
    "empty parts": ("a//b/", "a/b"),
    "decomposed Japanese": (unicodedata.normalize("NFD", "ガイド/パンフ.pdf"), "ガイド/パンフ.pdf"),
    "a device as a folder": ("CON/aux.txt", "_CON/_aux.txt"),
    "direction override": ("a\u202e/b\u202etxt.exe", "a/btxt.exe"),
    "control characters": ("a\n/b\x00.txt", "a/b.txt"),
    "emoji": ("📁/👩‍💻.txt", "📁/👩‍💻.txt"),
    "nothing": ("", ""),
}


@pytest.mark.parametrize(("given_path", "expected"), CASES.values(), ids=CASES)
def test_paths(given_path: str, expected: str) -> None:
    assert safe_path(given_path) == expected


@pytest.mark.parametrize("path", ["a/" * 32 + "b", f"{'あ' * 80}/" * 5 + "b"], ids=["too deep", "too long"])
def test_what_no_system_could_unpack_is_refused(path: str) -> None:
    with pytest.raises(InvalidInput):
        safe_path(path)


@given(st.lists(st.text(max_size=12), max_size=8).map("/".join))
def test_every_part_is_a_safe_name_and_nothing_changes_twice(path: str) -> None:
    safe = safe_path(path)
    assert safe_path(safe) == safe
    parts = safe.split("/") if safe else []
    assert len(parts) != 1
    assert all(part == safe_name(part) and part not in {".", ".."} for part in parts)
    assert len(safe.encode()) <= MAX_PATH_BYTES
