"""What a certificate of disposal says, from what was written down on the way."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from kozutumi_contract import labels
from kozutumi_operator.organizations import disposal_record, spec
from kozutumi_operator.organizations.disposal_record import INVENTORY, PROGRESS, Kept, Stored
from operator_builders import body, live
from organization_world import OBJECTS, RING

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def deleted(**annotations: str) -> dict[str, Any]:
    raw = body()
    raw["metadata"] |= {"deletionTimestamp": "2026-11-24T11:00:00Z", "annotations": annotations}
    return raw


def inventory(stored: Stored | None = None, objects: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    everything = Stored(content_bucket="c", archive_bucket="c-archive", user="c")
    observed = live(OBJECTS if objects is None else objects)
    return disposal_record.inventory(spec.parse(deleted()), observed, {}, stored or everything)


def document(
    raw: dict[str, Any] | None = None, kept: Kept | None = None, *, days: int = 0, existed: dict[str, Any] | None = None
) -> dict[str, Any]:
    raw = raw or deleted()
    found = {"KeyRing": "2026-11-24T11:30:00Z"}
    record = {"data": {INVENTORY: json.dumps(existed or inventory()), PROGRESS: json.dumps(found)}}
    organization = spec.parse(raw)
    return disposal_record.document(
        organization, raw, record, kept, now=NOW, etcd_backup_days=days, operator="operator-1"
    )


def test_who_asked_is_named_only_where_it_is_known() -> None:
    known = document(deleted(**{labels.DELETION_REQUESTED_BY: "hanako"}))["requested"]
    assert (known["by"], known["at"]) == ("hanako", "2026-11-24T11:00:00Z")
    assert "admission" in known["evidence"]
    unknown = document()["requested"]
    assert unknown["by"] is None
    assert "audit log" in unknown["evidence"]


def test_the_program_that_confirmed_is_told_from_the_managed_fields() -> None:
    raw = deleted()
    field: dict[str, Any] = {"f:metadata": {"f:annotations": {f"f:{labels.CONFIRM_DELETION}": {}}}}
    raw["metadata"]["managedFields"] = [
        {"manager": "kubectl-annotate", "time": "2026-11-24T10:59:00Z", "fieldsV1": field},
        {"manager": "other", "time": "2026-11-24T10:00:00Z", "fieldsV1": {"f:spec": {}}},
    ]
    confirmed = document(raw)["requested"]["confirmedWith"]
    assert confirmed == [{"manager": "kubectl-annotate", "at": "2026-11-24T10:59:00Z"}]


@pytest.mark.parametrize(("days", "until"), [(-1, None), (0, "2026-11-24T13:00:00Z"), (30, "2026-12-24T12:00:00Z")])
def test_copies_of_etcd_stay_as_long_as_the_platform_says(days: int, until: str | None) -> None:
    assert [(each["what"], each["until"]) for each in document(days=days)["kept"]] == [("EtcdCopies", until)]


def test_an_archive_that_stays_is_no_destroyed_one() -> None:
    end = datetime(2027, 3, 1, tzinfo=UTC)
    kept = document(kept=Kept("c-archive", end))
    assert kept["kept"][0] | {"why": ""} == {
        "what": "ArchiveBucket",
        "name": "c-archive",
        "until": "2027-03-01T00:00:00Z",
        "why": "",
    }
    assert "ArchiveBucket" not in {each["what"] for each in kept["destroyed"]}
    assert "ArchiveBucket" in {each["what"] for each in document()["destroyed"]}


def test_each_thing_is_told_with_the_time_at_which_it_was_found_gone() -> None:
    ring = document()["destroyed"][0]
    assert (ring["what"], ring["at"]) == ("KeyRing", "2026-11-24T11:30:00Z")
    assert len(ring["keyIds"]) == 2 + len(RING.keys)


def test_what_never_was_is_not_told_as_destroyed() -> None:
    nothing = inventory(Stored(content_bucket=None, archive_bucket=None, user=None), [])
    assert document(existed=nothing)["destroyed"] == []


def test_no_secret_is_written_down() -> None:
    text = json.dumps(inventory())
    for secret in (RING.index, RING.audit, *(each.key for each in RING.keys.values())):
        assert secret.reveal().decode() not in text
