"""Which kinds of file pass, by name and by content."""

from __future__ import annotations

import pytest

from kozutumi_app.domain import media_types
from kozutumi_app.domain.media_types import HEAD_BYTES, SIGNATURES, by_name, kinds, passes, sniff
from kozutumi_app.domain.policy_documents import lists

PROGRAM = b"MZ\x90\x00" + bytes(100)
ZIP = b"PK\x03\x04" + bytes(100)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
TEXT = "見積書\n".encode()
TAR = bytes(257) + b"ustar\x0000"

# name, first bytes, what is allowed, what is blocked, whether it passes
CASES = [
    ("a.pdf", b"%PDF-1.7", [], [], True),
    ("a.pdf", b"%PDF-1.7", [".pdf"], [], True),
    ("A.PDF", b"%PDF-1.7", [".pdf"], [], True),
    ("a.pdf", b"%PDF-1.7", ["application/pdf"], [], True),
    ("a.pdf", PROGRAM, [".pdf"], [], False),  # allowed by name, a program by content
    ("a.pdf", PROGRAM, [], [".exe"], False),
    ("a.pdf", PROGRAM, [], ["application/vnd.microsoft.portable-executable"], False),
    ("a.pdf", PROGRAM, [], [".pdf"], False),
    ("a.exe", PROGRAM, [], [".exe"], False),
    ("a.exe", TEXT, [], [".exe"], False),  # blocked by name alone
    ("a.dll", PROGRAM, [], [".exe"], True),  # goes by its own name: block that too
    ("a.txt", PROGRAM, [".txt"], [], False),
    ("a.docx", ZIP, [".docx"], [], True),
    ("a.docx", ZIP, [], [".zip"], True),  # a document is not an archive because it is zipped
    ("a.txt", ZIP, [], [".zip"], False),
    ("a.png", PNG, ["image/*"], [], True),
    ("a.png", TEXT, ["image/*"], [], False),  # promises what is not there
    ("a.png", TEXT, [], ["text/plain"], True),
    ("a.png", TEXT, [], ["application/octet-stream"], False),
    ("a.png", b"", ["image/*"], [], True),
    ("a.txt", TEXT, ["text/plain"], [], True),
    ("a.txt", TEXT, [".pdf", ".png"], [], False),
    ("a.tar.gz", b"\x1f\x8b\x08", [".tar.gz"], [], True),
    ("a.gz", b"\x1f\x8b\x08", [".tar.gz"], [], False),
    ("a", TAR, [], [".tar"], False),
    ("見積.tar", TAR, ["application/x-tar"], [], True),
    (".exe", TEXT, [], [".exe"], False),
    ("a.exe.txt", TEXT, [], [".exe"], True),
    ("a", TEXT, [".txt"], [], False),
]


@pytest.mark.parametrize(("name", "head", "allowed", "blocked", "expected"), CASES)
def test_what_passes(name: str, head: bytes, allowed: list[str], blocked: list[str], expected: bool) -> None:  # noqa: FBT001 - a table
    judged = [passes(kind, lists(allowed), frozenset(blocked)) for kind in kinds(name, head)]
    assert all(judged) is expected


def test_each_of_several_lists_must_let_it_through() -> None:
    assert passes(by_name("a.pdf"), lists([".pdf", ".png"], [".pdf", ".txt"]), frozenset())
    assert not passes(by_name("a.png"), lists([".pdf", ".png"], [".pdf", ".txt"]), frozenset())


def test_what_is_known_by_name_only_is_never_stricter_than_with_content() -> None:
    """So nothing that was let begin is refused for its name afterwards."""
    for name, head, allowed, blocked, _ in CASES:
        with_content = all(passes(kind, lists(allowed), frozenset(blocked)) for kind in kinds(name, head))
        assert passes(by_name(name), lists(allowed), frozenset(blocked)) or not with_content


@pytest.mark.parametrize("signature", SIGNATURES, ids=lambda each: each.media_type)
def test_signatures_fit_the_head_and_are_found(signature: media_types.Signature) -> None:
    assert signature.offset + len(signature.mark) <= HEAD_BYTES
    found = sniff(bytes(signature.offset) + signature.mark)
    assert found is not None
    assert found.media_type == signature.media_type
    assert all(ending.startswith(".") and ending == ending.lower() for ending in signature.endings)


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("a.JPG", "image/jpeg"),
        ("a.webp", "image/webp"),
        ("a.csv", "text/csv"),
        ("a.7z", "application/x-7z-compressed"),
        ("a.unheard", "application/octet-stream"),
        ("jpg", "application/octet-stream"),
    ],
)
def test_media_types_by_name(name: str, media_type: str) -> None:
    assert by_name(name).media_type == media_type
