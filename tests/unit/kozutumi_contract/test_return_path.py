"""The address that reports come back to: what is written is read again, and everything else names nothing."""

from __future__ import annotations

from email import message_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kozutumi_contract import labels, return_path
from kozutumi_contract.return_path import ReturnPath

BASE = "bounces@mail.example"
MAIL = "abcdefghijklmnopqrstuvwxy2"
MAILS = st.from_regex(return_path.MAIL_PATTERN, fullmatch=True)
CODES = st.from_regex(labels.SERVICE_CODE_PATTERN, fullmatch=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"bounces+acme{MAIL}@mail.example", [ReturnPath("acme", MAIL)]),
        (f"bounces+{MAIL}@mail.example", [ReturnPath(None, MAIL)]),
        (f"<BOUNCES+Acme{MAIL.upper()}@MAIL.example>", [ReturnPath("acme", MAIL)]),
        (f"b+a-b{MAIL}@x, b+0a0{MAIL}@x", [ReturnPath("a-b", MAIL), ReturnPath("0a0", MAIL)]),
        (f"b+{'a' * 30}{MAIL}@x", [ReturnPath("a" * 30, MAIL)]),
        (f"b+{MAIL}{MAIL}@x", [ReturnPath(MAIL, MAIL)]),
        (f"b+{'a' * 31}{MAIL}@x", []),
        (f"b+ab{MAIL}@x", []),
        (f"b+-ab{MAIL}@x", []),
        (f"b+acme.{MAIL}@x", []),
        (f"b+../x{MAIL}@x", []),
        (f"b+acme{MAIL}", []),
        (f"acme{MAIL}@x", []),
        ("bounces+acme@mail.example", []),
        ("bounces@mail.example", []),
        ("", []),
    ],
)
def test_addresses_and_what_they_name(text: str, expected: list[ReturnPath]) -> None:
    assert list(return_path.named(text)) == expected


@given(CODES, MAILS)
def test_every_address_is_read_as_it_was_written_and_fits(code: str, mail: str) -> None:
    address = return_path.address(BASE, code, mail)
    assert list(return_path.named(f'"x" <{address}>')) == [ReturnPath(code, mail)]
    assert len(address.partition("@")[0].encode()) <= 64


@given(st.text(alphabet=f"+@-._ {MAIL}A\r\n\u212a", max_size=200))
def test_whatever_is_named_is_a_service_code_and_a_mail(text: str) -> None:
    for found in return_path.named(text):
        assert found.service_code is None or labels.is_service_code(found.service_code)
        assert len(found.mail_id) == 26


def test_a_platform_s_address_leaves_room_for_the_longest_code() -> None:
    assert all(return_path.is_base(base) for base in (BASE, "b@x"))
    assert not any(return_path.is_base(base) for base in ("", "bounced-mail@x", "a+b@x", "@x", "b@", "b@x y"))


def test_the_relay_s_own_words_come_first() -> None:
    raw = f"To: b+one{MAIL}@x\r\nX-Original-To: b+two{MAIL}@x\r\n\r\nTo: b+three{MAIL}@x\r\n".encode()
    found = list(return_path.of_report(message_from_bytes(raw)))
    assert found == [ReturnPath("two", MAIL), ReturnPath("one", MAIL)]
