from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from kozutumi_contract import labels
from kozutumi_operator.organizations import archive_retention
from kozutumi_operator.organizations.archive_retention import UNDATED
from kozutumi_operator.organizations.disposal_record import Kept

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def record(code: str, until: str = "2026-06-02T00:00:00Z", **annotations: str) -> dict[str, Any]:
    held = {
        labels.ORGANIZATION_UID: f"uid of {code}",
        labels.ARCHIVE_BUCKET: f"kozutumi-{code}-archive",
        labels.ARCHIVE_UNTIL: until,
        **annotations,
    }
    metadata = {"name": f"disposal-{code}", "labels": labels.object_labels(code, "disposal"), "annotations": held}
    return {"metadata": metadata}


def test_only_records_that_keep_an_archive_count_and_the_earliest_comes_first() -> None:
    gone = record("gone", **{labels.ARCHIVE_REMOVED: "2026-05-01T00:00:00Z"})
    nothing_kept = {"metadata": {"name": "disposal-x", "labels": {labels.SERVICE_CODE: "x"}}}
    later, soon = record("later", "2026-07-01T00:00:00Z"), record("soon")
    found = archive_retention.departed([later, gone, nothing_kept, soon])
    assert [each.service_code for each in found] == ["soon", "later"]
    assert found[0].uid == "uid of soon"
    assert archive_retention.due(found, NOW) == []
    assert archive_retention.pause(found, NOW) == timedelta(days=1)
    assert [each.service_code for each in archive_retention.due(found, NOW + timedelta(days=1))] == ["soon"]
    assert archive_retention.pause([], NOW) is None


def test_a_record_whose_date_cannot_be_read_is_looked_at_at_once() -> None:
    found = archive_retention.departed([record("odd", "soon"), record("bare", "2026-06-02T00:00:00")])
    assert len(archive_retention.due(found, NOW)) == 2


def test_what_is_still_locked_moves_its_date_and_what_is_gone_is_noted() -> None:
    until = NOW + timedelta(days=3, microseconds=1)
    assert archive_retention.notes(Kept("b", until), NOW) == {labels.ARCHIVE_UNTIL: "2026-06-04T00:00:01Z"}
    assert archive_retention.notes(Kept("b", None), NOW) == {
        labels.ARCHIVE_UNTIL: (NOW + UNDATED + timedelta(seconds=1)).isoformat().replace("+00:00", "Z")
    }
    assert archive_retention.notes(None, NOW) == {labels.ARCHIVE_REMOVED: "2026-06-01T00:00:01Z"}


def test_a_moved_date_is_not_due_before_the_lock_has_ended() -> None:
    until = NOW + timedelta(milliseconds=300)
    moved = record("x", archive_retention.notes(Kept("b", until), NOW)[labels.ARCHIVE_UNTIL])
    [found] = archive_retention.departed([moved])
    assert found.until >= until
