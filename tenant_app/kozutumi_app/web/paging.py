"""Lists in pages: `limit` items, from the one after `after`; an answer's `next` is the `after` of the following page.

Events of the audit log go back from `before`, a sequence number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Annotated, Final, Generic, TypeVar

from fastapi import Query

from kozutumi_app.errors import NotFound

Limit = Annotated[int, Query(ge=1, le=200)]
After = Annotated[str | None, Query(max_length=64)]
Before = Annotated[int | None, Query(ge=1, le=2**62)]
EventLimit = Annotated[int, Query(ge=1, le=500)]
SHOWN: Final = 50  # on one page of a list that people read

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Items `first` (from 1) to `last` of `total`.

    `next` and `previous` are the `after` of the pages beside this one, None where there is none and "" for the first page.
    """

    items: list[T]
    first: int
    total: int
    next: str | None
    previous: str | None

    @property
    def last(self) -> int:
        return self.first + len(self.items) - 1


def cut(items: Sequence[T], limit: int, after: str | None, key: Callable[[T], str] = attrgetter("id")) -> Page[T]:
    """A page of a list that is short enough to be read whole; NotFound where `after` is nothing of it."""
    names = [key(item) for item in items]
    if after is not None and after not in names:
        raise NotFound
    start = 0 if after is None else names.index(after) + 1
    end = start + limit
    before = names[start - limit - 1] if start > limit else ""
    return Page(
        items=list(items[start:end]),
        first=start + 1,
        total=len(items),
        next=names[end - 1] if end < len(items) else None,
        previous=before if start else None,
    )


def shown(items: Sequence[T], after: str | None, key: Callable[[T], str] = attrgetter("id")) -> Page[T]:
    """A page for people; the first one where `after` has left the list, for their link may be older than what they see."""
    try:
        return cut(items, SHOWN, after or None, key)
    except NotFound:
        return cut(items, SHOWN, None, key)
