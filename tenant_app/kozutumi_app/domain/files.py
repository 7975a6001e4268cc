"""States of a file and the one rule of who may be read (architecture.md §6 rule 1). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from kozutumi_app.domain.ports import Verdict

MAX_SCANNABLE_BYTES: Final = 2**31 - 1  # ClamAV's own limit
_MAX_CLOCK_DIFFERENCE: Final = timedelta(hours=1)


class FileState(StrEnum):
    UPLOADING = "Uploading"
    PART = "Part"  # a piece of a file to come (tus, concatenation): nobody's to read, list or scan
    SCANNING = "Scanning"
    CLEAN = "Clean"
    INFECTED = "Infected"
    UNSCANNABLE = "Unscannable"
    REFUSED = "Refused"  # scanned, and of a kind that the sender's policy does not let out


@dataclass(frozen=True, slots=True)
class BoundVerdict:
    """A verdict together with the manifest it was given for, and with what it was found."""

    verdict: str
    manifest_id: str
    reason: str = ""
    signature: str = ""
    signature_version: str = ""
    signature_published: datetime | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """An administrator took it upon themselves to let an unscannable file through, as it is: `manifest_id`."""

    manifest_id: str
    by: str
    at: str
    comment: str = ""


def is_readable(
    state: str,
    manifest_id: str | None,
    bound: BoundVerdict | None,
    release: Release | None = None,
    *,
    may_release: bool = False,
) -> bool:
    """Only a positive verdict on exactly the stored manifest makes a file readable.

    The one exception: a release of exactly that manifest, of a file found unscannable and nothing worse, in an
    organization whose policy allows it now (`may_release`).
    """
    if bound is None or manifest_id is None or bound.manifest_id != manifest_id:
        return False
    if state == FileState.CLEAN:
        return bound.verdict == "clean"
    released = release is not None and release.manifest_id == manifest_id
    return state == FileState.UNSCANNABLE and bound.verdict == "unscannable" and released and may_release


def state_after(verdict: Verdict, now: datetime, maximum_signature_age: timedelta) -> FileState | None:
    """Return the state that a verdict leads to, or None when it proves nothing: clean by stale or undated signatures."""
    if verdict.verdict == "infected":
        return FileState.INFECTED
    if verdict.verdict == "unscannable":
        return FileState.UNSCANNABLE
    published = verdict.signature_published
    if published is None or now - published > maximum_signature_age or published - now > _MAX_CLOCK_DIFFERENCE:
        return None
    return FileState.CLEAN


def is_current(bound: BoundVerdict, version: str | None, now: datetime, maximum_signature_age: timedelta) -> bool:
    """Whether "clean" may be delivered now: by the signatures that the scanner has (`version`, None: unknown), and fresh."""
    published = bound.signature_published
    fresh = published is not None and now - published <= maximum_signature_age
    return fresh and (version is None or bound.signature_version == version)


Range = tuple[int, int]


def merged(ranges: Sequence[Range], start: int, end: int) -> list[Range]:
    """Union of byte ranges [start, end) with one more, sorted and without gaps inside a range."""
    result: list[Range] = []
    for low, high in sorted([*ranges, (start, end)]):
        if result and low <= result[-1][1]:
            result[-1] = (result[-1][0], max(high, result[-1][1]))
        elif low < high:
            result.append((low, high))
    return result


def is_complete(ranges: Sequence[Range], size: int) -> bool:
    return size == 0 or list(ranges) == [(0, size)]
