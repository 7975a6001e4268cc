"""The roots of the tree of errors."""

from __future__ import annotations

from typing import ClassVar


class KozutumiError(Exception):
    """`code` is part of the API; `title` is its English sentence and the key of its translation."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong on our side."

    def __init__(self, detail: str | None = None, *, retry_after: int | None = None) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.retry_after = retry_after  # seconds


class Refused(KozutumiError):  # noqa: N818 - named for what happened, as the whole tree is
    status = 400
    code = "refused"
    title = "The request was refused."


class Unavailable(KozutumiError):  # noqa: N818 - named for what happened, as the whole tree is
    status = 503
    code = "unavailable"
    title = "A part of the service is not available right now. Nothing was lost; please try again shortly."
