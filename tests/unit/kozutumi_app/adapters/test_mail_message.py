from __future__ import annotations

import email
import email.message
import email.policy
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from email.header import decode_header, make_header

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from builders import make_settings
from kozutumi_app.adapters import mail_message
from kozutumi_app.domain.ports import Mail
from kozutumi_app.errors import MailRefused

FROM = "noreply@kozutumi.test"


def on_the_wire(**changes: str) -> bytes:
    values = {"to": "a@outside.test", "subject": "s", "text": "t\n", "html": "<p>t</p>", "key": "k1"} | changes
    message = mail_message.compose(Mail(**values), FROM, datetime(2026, 1, 5, 3, tzinfo=UTC))
    raw = message.as_bytes(policy=message.policy.clone(linesep="\r\n"))
    assert all(len(line) <= 78 for line in raw.split(b"\r\n")), raw
    assert raw.isascii()
    return raw


def composed(**changes: str) -> email.message.EmailMessage:
    return email.message_from_bytes(on_the_wire(**changes), policy=email.policy.default)


def decoded(raw: bytes, name: str) -> str:
    """As RFC 2047 says; the parser of the default policy adds spaces of its own between encoded words."""
    return str(make_header(decode_header(email.message_from_bytes(raw)[name])))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("a@outside.test", "a@outside.test"),
        ("客@outside.test", "客@outside.test"),
        ("a@例え.jp", "a@xn--r8jz45g.jp"),
        ("a@EXAMPLE.test", "a@example.test"),
    ],
)
def test_domains_go_over_the_wire_as_a_labels(address: str, expected: str) -> None:
    assert mail_message.on_the_wire(address) == expected


@pytest.mark.parametrize(
    "address", ["a@b.test\r\nRCPT TO:<c@d.test>", "a@b.test, c@d.test", "a", "a@b@c.test", "<a@b.test>"]
)
def test_an_address_that_is_more_or_less_than_one_is_refused(address: str) -> None:
    with pytest.raises(MailRefused):
        mail_message.on_the_wire(address)


@settings(deadline=None)
@given(st.text(max_size=150), st.text(alphabet=st.characters(codec="utf-8"), max_size=150).filter(str.isprintable))
@example('"Acme, Inc." <evil@outside.test>', "件名" * 60)
@example("アクメ株式会社, (東京); <x@y.test>\r\nBcc: z@outside.test", "a" * 200)
@example("か\u3099っこう", "か\u3099")
def test_no_name_and_no_subject_makes_a_header_or_an_address(name: str, subject: str) -> None:
    raw = on_the_wire(sender=name, subject=subject)
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert set(message.keys()) == {
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "Auto-Submitted",
        "X-Auto-Response-Suppress",
        "MIME-Version",
        "Content-Type",
    }
    assert decoded(raw, "Subject").split() == subject.split()
    sender = message["From"].addresses
    assert [address.addr_spec for address in sender] == [FROM]
    shown = mail_message.display_name(name)
    assert decoded(raw, "From").replace('"', "") == f"{shown} <{FROM}>".lstrip() or (not shown and FROM in raw.decode())
    assert unicodedata.is_normalized("NFC", shown)
    assert [address.addr_spec for address in message["To"].addresses] == ["a@outside.test"]


@pytest.mark.parametrize("text", ["a" * 5000 + "\n", "長い行" * 2000 + "\n", ".\n..\nFrom x\n", "é\r\n"])
def test_long_lines_and_any_letters_come_out_as_they_went_in(text: str) -> None:
    message = composed(text=text, html=f"<p>{text}</p>")
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().replace("\r\n", "\n") == text.replace("\r\n", "\n")
    assert text.strip() in html.get_content().replace("\r\n", "\n") or "\r" in text


def test_a_subject_with_a_line_end_is_no_message() -> None:
    with pytest.raises(ValueError, match=r"linefeed|newline"):
        composed(subject="x\r\nBcc: evil@outside.test")


def test_reports_come_back_to_an_address_that_names_the_mail() -> None:
    mail = Mail("a@outside.test", "s", "t", "h", "k1")
    quiet = make_settings(mail_from=FROM, service_code="acme")
    assert mail_message.envelope_sender(mail, quiet) == FROM
    asking = replace(quiet, bounce_address="bounces@mail.test")
    assert mail_message.envelope_sender(mail, asking) == "bounces+acmek1@mail.test"
