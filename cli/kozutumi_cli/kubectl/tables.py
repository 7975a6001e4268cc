"""Tables that stay readable in a narrow terminal and in a file, and show nothing of a value as markup."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

Cell = str | Text


def table(columns: Sequence[str], rows: Iterable[Sequence[Cell]], *, wide: str = "") -> Table:
    """`wide` names the one column that may wrap; the others are kept whole."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, no_wrap=column != wide, overflow="fold")
    for row in rows:
        made.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    return made


def judged(text: str, *, good: bool) -> Text:
    return Text(text, style="green" if good else "red")
