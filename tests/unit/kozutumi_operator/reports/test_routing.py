"""Which organization a report is for."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kozutumi_contract import labels
from kozutumi_operator.reports import routing
from kozutumi_operator.reports.outcomes import PROBLEMS, Outcome

MAIL = "abcdefghijklmnopqrstuvwxy2"
ACME, BETA = f"bounces+acme{MAIL}@mail.example", f"bounces+beta{MAIL}@mail.example"
EARLIER = f"bounces+{MAIL}@mail.example"
BODY = b"From: MAILER-DAEMON@mx.test\r\nTo: %b\r\n\r\nTo: <%b>\r\n"


def report(to: str, body: str = "") -> bytes:
    return BODY % (to.encode(), body.encode())


@pytest.mark.parametrize(
    ("recipient", "raw", "expected"),
    [
        (ACME, b"", "acme"),
        (ACME.upper(), b"", "acme"),
        (f"<{ACME}>", report(BETA), "acme"),
        ("", report(BETA), "beta"),
        ("", report(f"Kozutumi <{BETA}>"), "beta"),
        ("", report(f"\r\n {BETA}"), "beta"),
        ("", f"X-Original-To: {ACME}\r\n".encode() + report(BETA), "acme"),
        ("postmaster@mail.example", report(BETA), "beta"),
        (EARLIER, report(BETA), "beta"),
        (EARLIER, report(EARLIER), None),
        ("", report("postmaster@mail.example", body=ACME), None),
        ("", b"\xff\xfe\x00", None),
        ("", b"", None),
    ],
)
def test_the_envelope_counts_before_the_header_and_the_body_never(
    recipient: str, raw: bytes, expected: str | None
) -> None:
    assert routing.service_code(recipient, raw) == expected


@settings(deadline=None)
@given(st.text(max_size=100), st.binary(max_size=500))
def test_nothing_makes_it_fail_or_name_what_is_no_code(recipient: str, noise: bytes) -> None:
    for raw in (noise, b"To: " + noise, report(ACME)[:30] + noise):
        code = routing.service_code(recipient, raw)
        assert code is None or labels.is_service_code(code)


def test_every_outcome_but_the_two_answers_has_a_problem() -> None:
    assert set(Outcome) - PROBLEMS.keys() == {Outcome.TAKEN, Outcome.UNMATCHED}
    assert [outcome for outcome, problem in PROBLEMS.items() if problem.status == 404] == [Outcome.UNKNOWN]
