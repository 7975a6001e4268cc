"""docs/operations name every reason of a grant and of an announcement."""

from __future__ import annotations

from pathlib import Path

from kozutumi_operator.announcements import status as announcements
from kozutumi_operator.grants import status as grants

DOCS = Path(__file__).parents[3] / "docs/operations"


def test_each_reason_is_explained() -> None:
    for page, reasons in (("access-grants.md", grants.REASONS), ("announcements.md", announcements.REASONS)):
        text = (DOCS / page).read_text("utf-8")
        assert [reason for reason in reasons if f"`{reason}`" not in text] == []
