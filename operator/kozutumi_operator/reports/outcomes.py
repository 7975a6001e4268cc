"""How the bringing of a report can end, and what its bringer is told (RFC 9457). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

LARGEST: Final = 64 * 1024  # bytes of a report, as the app takes them


class Outcome(StrEnum):
    TAKEN = "taken"
    UNMATCHED = "unmatched"  # the app sent no such mail in the last 30 days
    UNKNOWN = "unknown"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    BUSY = "busy"
    UNAVAILABLE = "unavailable"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Problem:
    """`retry_after` in seconds; None: the same again would end the same."""

    status: int
    title: str
    detail: str
    retry_after: int | None = None

    def document(self, outcome: Outcome) -> dict[str, Any]:
        code = outcome.value
        return {"type": "about:blank", "title": self.title, "status": self.status, "code": code, "detail": self.detail}


# 404 is of an unknown organization alone: the relay drops such a report, and must not drop all of them for a wrong path.
PROBLEMS: Final = {
    Outcome.UNKNOWN: Problem(
        404,
        "No organization known",
        "Neither X-Original-To nor the report's own header names an organization of this platform; drop the report.",
    ),
    Outcome.MALFORMED: Problem(
        400, "Not a report", "Send POST /reports with Content-Type: message/rfc822 and a whole body."
    ),
    Outcome.TOO_LARGE: Problem(
        413, "Report too large", f"Cut the report off after {LARGEST} bytes: what tells of the mail stands before."
    ),
    Outcome.TOO_SLOW: Problem(408, "Report too slow", "The report did not come in time; send it at once.", 60),
    Outcome.BUSY: Problem(503, "Too many reports at once", "Send this report again later.", 15),
    Outcome.UNAVAILABLE: Problem(503, "The app does not answer", "Send this report again later.", 60),
    Outcome.FAILED: Problem(500, "Not delivered", "This is a defect; the operator's log names it.", 300),
}
