"""Lists in pages: `limit` items, from the one after `after`; an answer's `next` is the `after` of the following page.

Events of the audit log go back from `before`, a sequence number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Protocol, TypeVar

from fastapi import Query

from kozutumi_app.errors import NotFound

Limit = Annotated[int, Query(ge=1, le=200)]
After = Annotated[str | None, Query(max_length=64)]
Before = Annotated[int | None, Query(ge=1, le=2**62)]
EventLimit = Annotated[int, Query(ge=1, le=500)]


class Named(Protocol):
    @property
    def id(self) -> str: ...


N = TypeVar("N", bound=Named)


def cut(items: Sequence[N], limit: int, after: str | None) -> tuple[list[N], str | None]:
    """A page of a list that is short enough to be read whole; NotFound where `after` is nothing of it."""
    start = 0
    if after is not None:
        start = next((place + 1 for place, item in enumerate(items) if item.id == after), 0)
        if start == 0:
            raise NotFound
    page = list(items[start : start + limit])
    return page, page[-1].id if start + limit < len(items) else None
