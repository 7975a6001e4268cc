from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kozutumi_app.domain import bounces
from kozutumi_app.domain.bounces import Report
from kozutumi_app.domain.mail_rules import MailState

ID = "abcdefghijklmnopqrstuvwxyz"
OTHER = "zyxwvutsrqponmlkjihgfedcba"


def report(status: str, *, returned: str = "", to: str = "files@kozutumi.test", kind: str = "delivery-status") -> bytes:
    """A report as Postfix writes it."""
    text = f"""\
From: MAILER-DAEMON@relay.test (Mail Delivery System)
To: {to}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type={kind};
\tboundary="9B095B5ADSN=_01D6"

--9B095B5ADSN=_01D6
Content-Description: Notification
Content-Type: text/plain; charset=utf-8

I'm sorry to have to inform you that your message could not be delivered.

--9B095B5ADSN=_01D6
Content-Type: message/{kind}

{status}
--9B095B5ADSN=_01D6
{returned}
--9B095B5ADSN=_01D6--
"""
    return text.replace("\n", "\r\n").encode()


FAILED = """\
Reporting-MTA: dns; relay.test
X-Postfix-Queue-ID: 9B095B5ADSN
Arrival-Date: Mon,  5 Jan 2026 12:00:00 +0900 (JST)

Final-Recipient: rfc822; nobody@outside.test
Original-Recipient: rfc822;nobody@outside.test
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.outside.test
Diagnostic-Code: smtp; 550 5.1.1 <nobody@outside.test>:
    Recipient address rejected
"""
RETURNED = f"""\
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers

Return-Path: <files@kozutumi.test>
Subject: =?utf-8?q?x?=
Message-ID: <{ID}@kozutumi.test>
To: nobody@outside.test
"""
WHOLE = RETURNED.replace("text/rfc822-headers", "message/rfc822") + "\nbody\n"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (report(FAILED, returned=RETURNED), Report(MailState.BOUNCED, "5.1.1", (ID,))),
        (report(FAILED, returned=WHOLE), Report(MailState.BOUNCED, "5.1.1", (ID,))),
        (report(FAILED, to=f"bounces+{ID}@kozutumi.test"), Report(MailState.BOUNCED, "5.1.1", (ID,))),
        (report(FAILED, to=f"bounces+acme{ID}@kozutumi.test"), Report(MailState.BOUNCED, "5.1.1", (ID,))),
        (
            report(f"Original-Envelope-Id: {OTHER}\n{FAILED}", returned=RETURNED),
            Report(MailState.BOUNCED, "5.1.1", (OTHER, ID)),
        ),
        (
            report(FAILED.replace("failed", "Delayed").replace("5.1.1", "4.4.1", 1), returned=RETURNED),
            Report(MailState.DELAYED, "4.4.1", (ID,)),
        ),
        (
            report(FAILED.replace("Status: 5.1.1\n", "") + "\n" + FAILED, returned=RETURNED),
            Report(MailState.BOUNCED, "5.0.0", (ID,)),
        ),
        (
            report(FAILED, returned=RETURNED, kind="global-delivery-status"),
            Report(MailState.BOUNCED, "5.1.1", (ID,)),
        ),
        (report(FAILED.replace("failed", "delivered"), returned=RETURNED), None),
        (report(FAILED.replace("failed", "relayed"), returned=RETURNED), None),
        (report(FAILED), None),
        (report("", returned=RETURNED), None),
        (b"Subject: I am on holiday\r\n\r\nback on Monday\r\n", None),
        (b"", None),
    ],
)
def test_reports_as_mail_systems_write_them(raw: bytes, expected: Report | None) -> None:
    assert bounces.parse(raw) == expected


def test_a_cut_report_still_names_its_mail_by_its_return_address() -> None:
    raw = report(FAILED, to=f"bounces+{ID}@kozutumi.test", returned=RETURNED)
    assert bounces.parse(raw[: raw.index(b"Remote-MTA")]) == Report(MailState.BOUNCED, "5.1.1", (ID,))


def test_the_failure_of_one_counts_before_the_delay_of_another() -> None:
    delayed = FAILED.replace("failed", "delayed").replace("5.1.1", "4.4.1")
    found = bounces.parse(report(delayed + "\n" + FAILED, returned=RETURNED))
    assert found is not None
    assert (found.state, found.status) == (MailState.BOUNCED, "5.1.1")


NESTED = b"".join(b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (n, n) for n in range(1200))


@pytest.mark.parametrize("raw", [NESTED, b"Content-Type: message/rfc822\n\n" * 2000], ids=["parts", "messages"])
def test_what_is_nested_without_end_is_no_report(raw: bytes) -> None:
    assert bounces.parse(raw) is None


def test_a_report_of_empty_lines_alone_is_not_parsed_to_its_end() -> None:
    endless = b"Content-Type: message/delivery-status\n\n" + b"\n" * 65_000
    tracemalloc.start()
    assert bounces.parse(endless) is None
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 2**20


@settings(deadline=None)
@given(st.binary(max_size=2000))
def test_no_bytes_make_it_fail(noise: bytes) -> None:
    raw = report(FAILED, returned=RETURNED)
    bounces.parse(noise)
    bounces.parse(raw[:300] + noise + raw[300:])
    bounces.parse(raw.replace(b"Action: failed", noise))
