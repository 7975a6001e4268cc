"""What clamd may answer, and what it means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kozutumi_scanner import verdicts
from kozutumi_scanner.verdicts import NoVerdict, Verdict


@pytest.mark.parametrize(
    ("answer", "verdict", "reason"),
    [
        (b"stream: OK\0", "clean", None),
        (b"stream: Win.Test.EICAR_HDB-1 FOUND\0", "infected", None),
        (b"stream: Kozutumi.Test.Eicar.UNOFFICIAL FOUND\0", "infected", None),
        (b"stream: Heuristics.Limits.Exceeded.MaxScanSize FOUND\0", "unscannable", "exceeds_limits"),
        (b"stream: Heuristics.Limits.Exceeded FOUND\0", "unscannable", "exceeds_limits"),
        (b"stream: Heuristics.Encrypted.Zip FOUND\0", "unscannable", "encrypted"),
        (b"stream: Kozutumi.Opaque.Encrypted.ZipAes.UNOFFICIAL FOUND\0", "unscannable", "encrypted"),
        (b"stream: Kozutumi.Opaque.Lz4.UNOFFICIAL FOUND\0", "unscannable", "unsupported_format"),
        (b"stream: Heuristics.Phishing.Email.SpoofedDomain FOUND\0", "infected", None),
        (b"stream: Heuristics.EncryptedOrNot FOUND\0", "infected", None),
    ],
)
def test_an_answer_with_a_verdict(answer: bytes, verdict: str, reason: str | None) -> None:
    found = verdicts.from_answer(answer)
    assert isinstance(found, Verdict)
    assert (found.verdict, found.reason) == (verdict, reason)


@pytest.mark.parametrize(
    ("answer", "too_large"),
    [
        (b"", False),
        (b"stream: OK", False),  # cut before its end
        (b"stream: OK\0stream: OK\0", False),
        (b"stream: OK \0", False),
        (b"stream: ok\0", False),
        (b"stream: X OK\0", False),
        (b"instream: OK\0", False),
        (b"stream: Can't open file or directory ERROR\0", False),
        (b"COMMAND READ TIMED OUT\0", False),
        (b"UNKNOWN COMMAND\0", False),
        (b"INSTREAM size limit exceeded. ERROR\0", True),
        (b"Error writing to temporary file ERROR\0", True),
        (b"stream: Can't write to file ERROR\0", True),
    ],
)
def test_an_answer_without_a_verdict(answer: bytes, *, too_large: bool) -> None:
    found = verdicts.from_answer(answer)
    assert isinstance(found, NoVerdict)
    assert found.too_large is too_large


@given(st.binary(max_size=200))
def test_clean_is_one_exact_answer(answer: bytes) -> None:
    found = verdicts.from_answer(answer)
    clean = isinstance(found, Verdict) and found.verdict == "clean"
    assert clean == (answer == b"stream: OK\0")
