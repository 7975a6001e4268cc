"""docs/operations/conditions.md lists exactly the conditions and reasons there are."""

from __future__ import annotations

import re
from pathlib import Path

from kozutumi_operator.organizations.reasons import ConditionType, Reason

PAGE = Path(__file__).parents[3] / "docs" / "operations" / "conditions.md"


def test_page_lists_every_condition_and_reason_once() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(), flags=re.MULTILINE)
    assert sorted(listed) == sorted([*ConditionType, *Reason])
