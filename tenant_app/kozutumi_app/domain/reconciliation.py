"""What is wrong when the bucket and the database are compared, and what may be done about it. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from kozutumi_app.domain.ports import StoredObject

_OURS: Final = re.compile(r"[a-z2-7]{26}/[a-z2-7]{26}|[a-z2-7]{26}/key")
_KEY: Final = "key"
_FEW: Final = 1_000  # objects


class Kind(StrEnum):
    OBJECT_WITHOUT_ROW = "object_without_row"
    KEY_WITHOUT_FILE = "key_without_file"
    ERASED_WITH_OBJECTS = "erased_with_objects"  # the erasure stopped short
    UNFINISHED_MULTIPART = "unfinished_multipart"  # this app makes none
    FOREIGN_OBJECT = "foreign_object"  # a name this app does not give: left alone
    FILE_WITHOUT_KEY = "file_without_key"
    ROW_WITHOUT_OBJECT = "row_without_object"


REMOVABLE: Final = frozenset({Kind.OBJECT_WITHOUT_ROW, Kind.KEY_WITHOUT_FILE})
LOST: Final = frozenset({Kind.FILE_WITHOUT_KEY, Kind.ROW_WITHOUT_OBJECT})  # nothing here can bring it back


class State(StrEnum):
    REPAIRED = "Repaired"
    HELD_BACK = "HeldBack"  # it could be repaired, and must not be now: legal hold, or far too many at once
    OPEN = "Open"
    GONE = "Gone"  # seen by an earlier comparison, not by the latest


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """`place`: an object's name, or a file's id."""

    kind: Kind
    place: str


@dataclass(frozen=True, slots=True)
class KnownFile:
    """What the database says of one file."""

    segments: AbstractSet[str]
    manifest_id: str | None
    deleted_at: datetime | None
    erasure_waits: bool


def judge_object(entry: StoredObject, known: Mapping[str, KnownFile], before: datetime) -> Discrepancy | None:
    """What is wrong with one object. Younger than `before` it may belong to something that is still being written."""
    if not _OURS.fullmatch(entry.key):
        return Discrepancy(Kind.FOREIGN_OBJECT, entry.key)
    if entry.modified >= before:
        return None
    file_id, name = entry.key.split("/")
    file = known.get(file_id)
    if file is None:
        return Discrepancy(Kind.KEY_WITHOUT_FILE if name == _KEY else Kind.OBJECT_WITHOUT_ROW, entry.key)
    if file.deleted_at is not None:
        waits = file.erasure_waits or file.deleted_at >= before
        return None if waits else Discrepancy(Kind.ERASED_WITH_OBJECTS, file_id)
    named = name in {_KEY, file.manifest_id} or name in file.segments
    return None if named else Discrepancy(Kind.OBJECT_WITHOUT_ROW, entry.key)


def judge_file(file_id: str, file: KnownFile, names: Collection[str]) -> list[Discrepancy]:
    """What a file that nobody took away lacks, given the names of the objects below its id."""
    if file.deleted_at is not None:
        return []
    found = [] if _KEY in names else [Discrepancy(Kind.FILE_WITHOUT_KEY, file_id)]
    needed = {*file.segments, *([file.manifest_id] if file.manifest_id else [])}
    return found + [
        Discrepancy(Kind.ROW_WITHOUT_OBJECT, f"{file_id}/{name}") for name in sorted(needed) if name not in names
    ]


def too_many(removable: int, objects: int) -> bool:
    """So much at once is not what crashes leave behind: rather the wrong bucket, or a database that was put back."""
    return removable > max(_FEW, objects // 4)
