"""Bucket and database compared: what is repaired, what is only said, and what is never touched."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

import people_world as people
from builders import MemoryBlobs, clock_of, make_services, make_settings, run_jobs
from kozutumi_app.adapters.database.schema import audit_events, files, segments
from kozutumi_app.crypto.segments import SALT_BYTES
from kozutumi_app.domain.identifiers import new_id
from kozutumi_app.domain.ports import UnfinishedUpload
from kozutumi_app.errors import StorageUnavailable
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit, jobs, reconciliation_report, reconciling
from kozutumi_app.use_cases.upload import LIFETIME


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return make_services(tmp_path)


def blobs_of(services: Services) -> MemoryBlobs:
    assert isinstance(services.blobs, MemoryBlobs)
    return services.blobs


async def live_file(services: Services) -> str:
    """A file with a key, one segment and a manifest, as an upload leaves it."""
    sender = await people.administrator(services)
    file_id = people.add_file(services, await people.draft(sender))
    segment, manifest = new_id(services.random), new_id(services.random)
    blobs_of(services).objects.clear()
    for name in ("key", segment, manifest):
        services.blobs.put(f"{file_id}/{name}", b"sealed")
    row = {"id": "s", "file_id": file_id, "position": 0, "object_id": segment, "salt": bytes(SALT_BYTES)}
    with services.database.write() as tx:
        tx.execute(sa.insert(segments).values(row | {"length": 5, "created_at": services.clock.now()}))
        tx.execute(sa.update(files).values(manifest_id=manifest))
    return file_id


def compare(services: Services) -> list[tuple[str, str, str]]:
    reconciling.reconcile(services, reconciling.SUBJECT)
    return [(one.kind, one.place, one.state) for one in reconciliation_report.report(services).findings]


def events(services: Services, type: str) -> list[tuple[str, str]]:
    query = sa.select(audit_events.c.object_id, audit_events.c.outcome).where(audit_events.c.type == type)
    with services.database.read() as tx:
        return [(row.object_id, row.outcome) for row in tx.execute(query)]


def old(services: Services) -> None:
    clock_of(services).advance(hours=26)


async def test_nothing_wrong_is_said_too(services: Services) -> None:
    await live_file(services)
    old(services)
    before = dict(blobs_of(services).objects)
    assert compare(services) == []
    assert blobs_of(services).objects == before
    assert events(services, "storage.reconciled") == [("content", "ok")]
    latest = reconciliation_report.report(services).latest
    assert latest is not None
    assert (latest.objects, latest.files, latest.found) == (3, 1, 0)


async def test_orphans_of_every_kind_are_removed_and_named(services: Services) -> None:
    file_id = await live_file(services)
    orphans = [f"{file_id}/{new_id(services.random)}", f"{new_id(services.random)}/key"]
    for name in orphans:
        services.blobs.put(name, b"left")
    kept = set(blobs_of(services).objects) - set(orphans)
    services.blobs.put("somebody/else.txt", b"foreign")
    assert compare(services) == [("foreign_object", "somebody/else.txt", "Open")]
    old(services)
    found = compare(services)
    assert ("object_without_row", orphans[0], "Repaired") in found
    assert ("key_without_file", orphans[1], "Repaired") in found
    assert set(blobs_of(services).objects) == kept | {"somebody/else.txt"}
    assert events(services, "storage.orphans_removed") == [("content", "ok")]
    metrics = services.metrics.registry
    assert metrics.get_sample_value("kozutumi_discrepancies", {"kind": "foreign_object"}) == 1
    assert metrics.get_sample_value("kozutumi_repaired_discrepancies_total", {"kind": "key_without_file"}) == 1


async def test_object_of_a_running_upload_is_left_alone_until_it_could_not_count_any_more(services: Services) -> None:
    file_id = await live_file(services)
    clock_of(services).advance(hours=30)
    services.blobs.put(name := f"{file_id}/{new_id(services.random)}", b"of a request that runs")
    clock_of(services).advance(hours=24)
    assert compare(services) == []
    assert name in blobs_of(services).objects


@pytest.mark.parametrize("lost", ["key", "segment", "manifest"])
async def test_what_is_lost_is_said_once_and_again_shown_as_open(services: Services, lost: str) -> None:
    file_id = await live_file(services)
    names = dict(zip(("key", "segment", "manifest"), blobs_of(services).objects, strict=True))
    services.blobs.delete(names[lost])
    kind = "file_without_key" if lost == "key" else "row_without_object"
    place = file_id if lost == "key" else names[lost]
    assert compare(services) == [(kind, place, "Open")]
    clock_of(services).advance(hours=7)
    assert compare(services) == [(kind, place, "Open")]
    assert events(services, "file.content_missing") == [(file_id, "failed")]
    services.blobs.put(names[lost], b"back")
    clock_of(services).advance(hours=7)
    assert compare(services) == [(kind, place, "Gone")]


async def test_erasure_that_stopped_short_is_finished(services: Services) -> None:
    file_id = await live_file(services)
    with services.database.write() as tx:
        tx.execute(sa.update(files).values(deleted_at=services.clock.now()))
    assert compare(services) == []
    old(services)
    assert compare(services) == [("erased_with_objects", file_id, "Repaired")]
    run_jobs(services)
    assert blobs_of(services).objects == {}


async def test_legal_hold_destroys_nothing(services: Services) -> None:
    held = replace(services, settings=make_settings(legal_hold=1))
    file_id = await live_file(held)
    orphan = f"{file_id}/{new_id(held.random)}"
    held.blobs.put(orphan, b"left")
    multipart = UnfinishedUpload("x", "1", held.clock.now())
    blobs_of(held).multiparts.append(multipart)
    old(held)
    assert ("object_without_row", orphan, "HeldBack") in compare(held)
    assert orphan in blobs_of(held).objects
    assert blobs_of(held).multiparts == [multipart]
    free = replace(held, settings=make_settings())
    clock_of(free).advance(hours=7)
    assert ("object_without_row", orphan, "Repaired") in compare(free)
    assert (orphan in blobs_of(free).objects, blobs_of(free).multiparts) == (False, [])


async def test_a_database_that_knows_nothing_of_the_bucket_destroys_nothing(services: Services) -> None:
    for _ in range(1001):
        services.blobs.put(f"{new_id(services.random)}/key", b"of a lost database")
    old(services)
    reconciling.reconcile(services, reconciling.SUBJECT)
    assert len(blobs_of(services).objects) == 1001
    assert events(services, "storage.orphans_removed") == []
    assert events(services, "storage.reconciled") == [("content", "open")]


async def test_it_comes_again_every_six_hours_and_waits_for_a_store_that_is_down(services: Services) -> None:
    await live_file(services)
    reconciling.schedule(services)
    blobs_of(services).down = True
    with pytest.raises(StorageUnavailable):
        reconciling.reconcile(services, reconciling.SUBJECT)
    assert reconciliation_report.report(services).latest is None
    blobs_of(services).down = False
    assert run_jobs(services) == 1
    reconciling.schedule(services)
    assert run_jobs(services) == 0
    clock_of(services).advance(hours=5, minutes=59)
    reconciling.schedule(services)
    assert run_jobs(services) == 0
    clock_of(services).advance(minutes=1)
    reconciling.schedule(services)
    reconciling.schedule(services)
    assert run_jobs(services) == 1
    assert events(services, "storage.reconciled") == [("content", "ok")] * 2


async def test_killed_after_saying_what_it_removes_it_removes_it_next_time(services: Services) -> None:
    file_id = await live_file(services)
    orphan = f"{file_id}/{new_id(services.random)}"
    services.blobs.put(orphan, b"left")
    old(services)
    delete = services.blobs.delete

    def killed(key: str) -> None:
        raise KeyboardInterrupt(key)

    blobs_of(services).delete = killed  # type: ignore[method-assign]  # the process dies here
    with pytest.raises(KeyboardInterrupt):
        reconciling.reconcile(services, reconciling.SUBJECT)
    blobs_of(services).delete = delete  # type: ignore[method-assign]  # a new process
    assert compare(services) == [("object_without_row", orphan, "Repaired")]
    with services.database.read() as tx:
        assert audit.verify(tx) is None


def test_grace_is_longer_than_the_life_of_an_upload_that_commits_nothing() -> None:
    assert LIFETIME + timedelta(minutes=59) < reconciling.GRACE
    assert jobs.LEASE < reconciling.INTERVAL


async def test_administrators_see_the_report_and_may_ask_for_it_and_nobody_else(services: Services) -> None:
    administrator = await people.administrator(services)
    member = await people.member(services, administrator, "member@acme.test")
    services.blobs.put("somebody/else.txt", b"foreign")
    assert (await administrator.post("/storage/reconciliation")).status_code == 202
    run_jobs(services)
    shown = (await administrator.get("/storage/reconciliation")).json()
    assert [(one["kind"], one["state"]) for one in shown["findings"]] == [("foreign_object", "Open")]
    assert shown["latest"]["objects"] == 1
    page = await administrator.http.get("/storage?lang=en")
    assert "somebody/else.txt" in page.text
    assert "Not repaired" in page.text
    for answer in (await member.get("/storage/reconciliation"), await member.post("/storage/reconciliation")):
        assert answer.status_code == 403
    assert (await member.http.get("/storage")).status_code == 403
    assert events(services, "storage.comparison_asked") == [("content", "ok")]
