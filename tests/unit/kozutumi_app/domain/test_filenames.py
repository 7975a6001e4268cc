import re
import unicodedata
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kozutumi_app.domain.filenames import FALLBACK, MAX_BYTES, content_disposition, safe_name

NAMES = [
    ("見積書 №1.pdf", "見積書 №1.pdf"),
    ("カ\u3099.txt", "ガ.txt"),
    ("../../etc/passwd", "passwd"),
    ("C:\\Users\\me\\report.doc", "report.doc"),
    ("a\x00b\nc\x7f.txt", "abc.txt"),
    ("invoice\u202egpj.exe", "invoicegpj.exe"),
    ("\u2066x\u2069\ufeff\u200b.txt", "x.txt"),
    ("می\u200cخواهم.txt", "می\u200cخواهم.txt"),
    ('a<b>:"c|d?*.txt', "a_b___c_d__.txt"),
    ("CON", "_CON"),
    ("com1.txt", "_com1.txt"),
    ("LPT¹.log", "_LPT¹.log"),
    ("nul .txt", "_nul .txt"),
    ("console.txt", "console.txt"),
    ("  spaced. . ", "spaced"),
    ("...", FALLBACK),
    ("", FALLBACK),
    ("folder/", FALLBACK),
    ("\ud800.txt", ".txt"),
    (".gitignore", ".gitignore"),
]


@pytest.mark.parametrize(("given_name", "expected"), NAMES)
def test_names(given_name: str, expected: str) -> None:
    assert safe_name(given_name) == expected


@pytest.mark.parametrize("name", ["あ" * 200 + ".pdf", "x" * 400 + ".tar.gz", "e\u0301" * 300 + ".é"])
def test_long_name_keeps_its_extension(name: str) -> None:
    shortened = safe_name(name)
    assert len(shortened.encode()) <= MAX_BYTES
    assert shortened.endswith(unicodedata.normalize("NFC", name.rpartition(".")[2]))


@given(st.text())
def test_whatever_comes_is_made_harmless_and_stays_so(name: str) -> None:
    safe = safe_name(name)
    assert 0 < len(safe.encode()) <= MAX_BYTES
    assert not re.search(r'[/\\<>:"|?*\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]', safe)
    assert safe not in {".", ".."}
    assert safe_name(safe) == safe


@given(st.text())
def test_header_carries_the_name_in_ascii_and_comes_back(name: str) -> None:
    safe = safe_name(name)
    header = content_disposition(safe)
    assert header.isascii()
    assert not set(header) & {"\r", "\n"}
    assert unquote(header.rpartition("UTF-8''")[2]) == safe
    assert header.count('"') == 2
