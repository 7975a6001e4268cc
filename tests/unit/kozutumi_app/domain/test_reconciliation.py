"""Which object or row is judged wrong, and what is left alone: the rules, without a store."""

from __future__ import annotations

from datetime import timedelta

import pytest

from builders import START
from kozutumi_app.domain.ports import StoredObject
from kozutumi_app.domain.reconciliation import Discrepancy, Kind, KnownFile, judge_file, judge_object, too_many

OLD, YOUNG = START - timedelta(days=3), START
BEFORE = START - timedelta(days=1)
FILE, GONE, WAITS, NEW = "f" * 26, "g" * 26, "w" * 26, "n" * 26
SEGMENT, MANIFEST, OTHER = "s" * 26, "m" * 26, "o" * 26
KNOWN = {
    FILE: KnownFile(frozenset({SEGMENT}), MANIFEST, None, erasure_waits=False),
    GONE: KnownFile(frozenset(), MANIFEST, OLD, erasure_waits=False),
    WAITS: KnownFile(frozenset(), MANIFEST, OLD, erasure_waits=True),
    NEW: KnownFile(frozenset(), MANIFEST, YOUNG, erasure_waits=False),
}

OBJECTS = [
    ("a live file's key", f"{FILE}/key", OLD, None),
    ("a committed segment", f"{FILE}/{SEGMENT}", OLD, None),
    ("the manifest", f"{FILE}/{MANIFEST}", OLD, None),
    ("a segment that was never committed", f"{FILE}/{OTHER}", OLD, Kind.OBJECT_WITHOUT_ROW),
    ("one that may still be committed", f"{FILE}/{OTHER}", YOUNG, None),
    ("one exactly as old as the grace", f"{FILE}/{OTHER}", BEFORE, None),
    ("a key of no file", f"{'x' * 26}/key", OLD, Kind.KEY_WITHOUT_FILE),
    ("a key whose file is being created", f"{'x' * 26}/key", YOUNG, None),
    ("a segment of no file", f"{'x' * 26}/{SEGMENT}", OLD, Kind.OBJECT_WITHOUT_ROW),
    ("what an erasure left", f"{GONE}/{SEGMENT}", OLD, Kind.ERASED_WITH_OBJECTS),
    ("what an erasure will take", f"{WAITS}/{SEGMENT}", OLD, None),
    ("what was taken away a moment ago", f"{NEW}/{SEGMENT}", OLD, None),
    ("a name of somebody else", "backup.tar", OLD, Kind.FOREIGN_OBJECT),
    ("a folder too deep", f"{FILE}/{SEGMENT}/more", OLD, Kind.FOREIGN_OBJECT),
    ("an id that is none", f"{FILE.upper()}/key", OLD, Kind.FOREIGN_OBJECT),
]


@pytest.mark.parametrize(("key", "modified", "kind"), [case[1:] for case in OBJECTS], ids=[case[0] for case in OBJECTS])
def test_object(key: str, modified: object, kind: Kind | None) -> None:
    found = judge_object(StoredObject(key, modified), KNOWN, BEFORE)  # type: ignore[arg-type]  # of the table
    place = key.split("/", maxsplit=1)[0] if kind is Kind.ERASED_WITH_OBJECTS else key
    assert found == (Discrepancy(kind, place) if kind else None)


def test_file_lacks_its_key_a_segment_and_its_manifest() -> None:
    file = KNOWN[FILE]
    assert judge_file(FILE, file, {"key", SEGMENT, MANIFEST, OTHER}) == []
    assert judge_file(FILE, file, {SEGMENT, MANIFEST}) == [Discrepancy(Kind.FILE_WITHOUT_KEY, FILE)]
    assert judge_file(FILE, file, {"key"}) == [
        Discrepancy(Kind.ROW_WITHOUT_OBJECT, f"{FILE}/{MANIFEST}"),
        Discrepancy(Kind.ROW_WITHOUT_OBJECT, f"{FILE}/{SEGMENT}"),
    ]
    assert judge_file(GONE, KNOWN[GONE], set()) == []


@pytest.mark.parametrize(
    ("removable", "objects", "held"), [(1000, 1000, False), (1001, 1001, True), (5000, 100_000, False)]
)
def test_far_too_many_at_once_are_held_back(removable: int, objects: int, *, held: bool) -> None:
    assert too_many(removable, objects) is held
