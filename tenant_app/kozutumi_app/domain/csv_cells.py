"""CSV (RFC 4180) for people: what a spreadsheet program would take for a formula is shown as text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Final

MARK: Final = "\ufeff"
"""At the beginning of a file, so that spreadsheet programs read it as UTF-8."""
# Also in full width, which some spreadsheet programs take for the same.
_FORMULA: Final = tuple("=+-@＝＋－＠\t\r\n|%")


def neutral(text: str) -> str:
    """An apostrophe before what would be calculated; leading blanks hide nothing."""
    return f"'{text}" if text.lstrip(" \u3000").startswith(_FORMULA) or text.startswith(_FORMULA) else text


def row(cells: Iterable[str]) -> str:
    target = io.StringIO()
    csv.writer(target, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow([neutral(each) for each in cells])
    return target.getvalue()
