"""The head of the log in a locked archive: when, what after a crash, and what after a restore."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from audit_log_world import archive, events, exported, happen, head, housekeeping, sealed, verified
from builders import MemoryArchive, clock_of, make_services
from kozutumi_app.adapters.database.engine import FILE_NAME, Database
from kozutumi_app.adapters.database.schema import audit_events, audit_seals
from kozutumi_app.errors import StorageUnavailable
from kozutumi_app.services import Services
from kozutumi_app.use_cases import (
    audit,
    audit_restoring,
    audit_sealing,
)
from kozutumi_contract import audit_verifying
from kozutumi_contract.audit_verifying import Fault, Report


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path)
    yield made
    made.database.close()


def test_a_head_is_sealed_after_the_interval_or_after_enough_events(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_sealing, "MOST_EVENTS", 20)
    assert housekeeping(services) == 0
    happen(services)
    housekeeping(services)
    assert sealed(services) == [(1, 2)]  # the key that was made is the second event
    happen(services)
    assert housekeeping(services) == 0
    clock_of(services).advance(minutes=15)
    assert housekeeping(services) == 1
    clock_of(services).advance(days=2)
    assert housekeeping(services) == 0  # a log at rest does not grow by its seals
    happen(services, audit_sealing.MOST_EVENTS)
    housekeeping(services)
    assert sealed(services) == [(1, 2), (2, 3), (3, 3 + audit_sealing.MOST_EVENTS)]
    report = verified(services)
    assert isinstance(report, Report)
    assert report.sealed_through == 3 + audit_sealing.MOST_EVENTS


def test_a_store_that_is_down_delays_the_seal_and_changes_nothing_in_it(services: Services) -> None:
    happen(services)
    archive(services).down = True
    housekeeping(services)
    happen(services)
    with services.database.write() as tx:
        audit_sealing.prepare(tx, services)
        (waiting,) = tx.execute(sa.select(audit_seals.c.document)).scalars()
    with pytest.raises(StorageUnavailable):
        audit_sealing.seal(services)
    archive(services).down = False
    audit_sealing.seal(services)
    assert list(archive(services).objects.values()) == [waiting.encode()]


def test_an_app_killed_between_the_object_and_its_row_puts_nothing_twice(services: Services) -> None:
    happen(services)
    audit_sealing.seal(services)
    with services.database.write() as tx:
        tx.execute(sa.update(audit_seals).values(stored_at=None))
    puts: list[str] = []
    audit_sealing.seal(replace(services, archive=_Counting(archive(services).objects, puts=puts)))
    assert puts == []


class _Counting(MemoryArchive):
    def __init__(self, objects: dict[str, bytes], *, puts: list[str]) -> None:
        super().__init__(objects)
        self._puts = puts

    def put(self, key: str, data: bytes) -> None:
        self._puts.append(key)
        super().put(key, data)


def test_a_chain_recomputed_in_the_database_is_found_by_its_seals(services: Services) -> None:
    """By whoever has the database and every key in it; the archive alone he cannot change."""
    happen(services, 5)
    audit_sealing.seal(services)
    lines = exported(services)
    assert isinstance(audit_verifying.verify(lines, seals=archive(services).objects.values()), Report)
    _recompute(services, 3, outcome="forged")
    with services.database.read() as tx:
        assert audit.verify(tx) is None
    found = verified(services)
    assert isinstance(found, Fault)
    assert (found.sequence, "recomputed" in found.reason) == (1, True)


def _recompute(services: Services, first: int, **changes: str) -> None:
    with services.database.write() as tx:
        rows = tx.execute(sa.select(audit_events).order_by(audit_events.c.sequence)).all()
        tx.execute(sa.delete(audit_events).where(audit_events.c.sequence >= first))
        for row in rows[first - 1 :]:
            event = audit.opened(services, audit.of_row(row))
            fields = {"type": row.type, "actor_id": row.actor_id, "object_id": row.object_id, "outcome": row.outcome}
            audit.append(tx, services, **(fields | changes), details=event.details)


def test_a_database_put_back_links_to_the_head_it_lost(services: Services, tmp_path: Path) -> None:
    happen(services, 3)
    audit_sealing.seal(services)
    backup = tmp_path / "backup"
    backup.mkdir()
    services.database.close()
    shutil.copy(tmp_path / FILE_NAME, backup / FILE_NAME)
    happen(services, 3)
    audit_sealing.seal(services)
    lost = head(services)
    restored = replace(services, database=Database(backup / FILE_NAME))
    happen(restored)
    audit_sealing.seal(restored)
    (event,) = events(restored, "audit.restored")
    assert (event.event.object_id, event.details) == (
        lost[1],
        {"sequence": str(lost[0]), "found": "archive", "seal": "2"},
    )
    assert sealed(restored) == [(1, 4), (2, 7), (3, 6)]
    report = verified(restored)
    assert isinstance(report, Report)
    assert (report.restored, report.sealed_through) == ((event.event.sequence,), 6)
    audit_sealing.seal(restored)
    assert len(events(restored, "audit.restored")) == 1
    restored.database.close()


def test_a_database_lost_with_its_key_keeps_the_numbers_of_what_was_sealed(services: Services, tmp_path: Path) -> None:
    happen(services)
    audit_sealing.seal(services)
    (tmp_path / "new").mkdir()
    fresh = make_services(tmp_path / "new", archive=services.archive)
    happen(fresh)
    before = dict(archive(services).objects)
    audit_sealing.seal(fresh)
    after = archive(fresh).objects
    assert {name: after[name] for name in before} == before
    assert len(after) == 2
    (event,) = events(fresh, "audit.restored")
    assert event.details is not None
    assert event.details["genuine"] == "no"
    fresh.database.close()


def test_a_head_that_the_operator_noted_and_the_log_does_not_hold_is_told_once(services: Services) -> None:
    happen(services, 2)
    assert audit_restoring.noted(services, *head(services))
    for _ in range(2):
        assert not audit_restoring.noted(services, 99, "ab" * 32)
    (event,) = events(services, "audit.restored")
    assert (event.event.object_id, event.details) == ("ab" * 32, {"sequence": "99", "found": "operator"})
