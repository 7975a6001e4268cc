"""The table of tus' rules names tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[4]


def test_every_named_test_is_there() -> None:
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", (ROOT / "docs/architecture/uploads.md").read_text("utf-8"))
    assert len(named) > 30
    missing = [
        (file, test)
        for file, test in named
        if f"def {test}(" not in (ROOT / "tests/integration" / file).read_text("utf-8")
    ]
    assert missing == []
