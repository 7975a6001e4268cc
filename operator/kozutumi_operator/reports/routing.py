"""Which organization a report is for. Good for routing alone: the app still looks for the mail by its HMAC. Pure."""

from __future__ import annotations

from email.parser import BytesHeaderParser
from email.policy import compat32
from itertools import chain

from kozutumi_contract import return_path


def service_code(recipient: str, report: bytes) -> str | None:
    """`recipient`: the envelope recipient, as the relay tells it; what the report says itself counts only after it."""
    header = BytesHeaderParser(policy=compat32).parsebytes(report)
    paths = chain(return_path.named(recipient), return_path.of_report(header))
    return next((path.service_code for path in paths if path.service_code), None)
