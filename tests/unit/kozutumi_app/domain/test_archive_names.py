from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kozutumi_app.domain.archive_names import archive_name, unique
from kozutumi_app.domain.filenames import MAX_BYTES, safe_name

PATHS = [
    (["a.txt", "b.txt"], ["a.txt", "b.txt"]),
    (["a.txt", "a.txt", "a.txt"], ["a.txt", "a (2).txt", "a (3).txt"]),
    (["a.txt", "A.TXT"], ["a.txt", "A (2).TXT"]),
    (["ガ.txt", "カ\u3099.txt"], ["ガ.txt", "カ\u3099 (2).txt"]),
    (["x/a.txt", "y/a.txt"], ["x/a.txt", "y/a.txt"]),
    (["x/a.txt", "X/a.txt"], ["x/a.txt", "X/a (2).txt"]),
    (["x", "x/a"], ["x (2)", "x/a"]),
    (["a (2).txt", "a.txt", "a.txt"], ["a (2).txt", "a.txt", "a (3).txt"]),
    ([".env", ".env"], [".env", ".env (2)"]),
    (["😀", "😀"], ["😀", "😀 (2)"]),
]


@pytest.mark.parametrize(("paths", "expected"), PATHS)
def test_namesakes_are_numbered(paths: list[str], expected: list[str]) -> None:
    assert unique(paths) == expected


@given(st.lists(st.text("aAbB.カガ\u3099é/", min_size=1, max_size=6).map(safe_name), max_size=12))
def test_no_two_are_one_on_any_system(paths: list[str]) -> None:
    names = unique(paths)
    forms = [unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold()) for name in names]
    assert len(set(forms)) == len(paths)
    assert unique(names) == names


@pytest.mark.parametrize("name", ["あ" * 85, "x" * 251 + ".txt", "a." + "b" * 253])
def test_a_numbered_name_is_not_too_long(name: str) -> None:
    first, second = unique([name, name])
    assert first == name
    assert len(second.encode()) <= MAX_BYTES
    assert second.encode().decode() == second


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("図面の送付", "図面の送付.zip"),
        ("見積/請求\\控", "見積_請求_控.zip"),
        ("", "files.zip"),
        ("   ", "files.zip"),
        ("CON", "_CON.zip"),
        ("あ" * 200, "あ" * 83 + ".zip"),
        ("a\u202egpj", "agpj.zip"),
    ],
)
def test_the_archive_is_called_after_the_subject(subject: str, expected: str) -> None:
    assert archive_name(subject) == expected
