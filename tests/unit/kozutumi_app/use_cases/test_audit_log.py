"""The audit log over a real database file: appended by many at once, exported, and what it costs."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from builders import clock_of, make_services
from kozutumi_app.adapters.database.schema import audit_events
from kozutumi_app.crypto.live_keys import LiveKeys
from kozutumi_app.errors import DatabaseUnavailable, InvalidInput
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit, audit_exporting
from kozutumi_app.use_cases.audit_exporting import Format
from kozutumi_contract import audit_verifying, keyring
from kozutumi_contract.audit_export import Filter
from kozutumi_contract.audit_verifying import Report

WRITERS, EACH = 64, 5


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path)
    yield made
    made.database.close()


def append(services: Services, **changes: str) -> int:
    with services.database.write() as tx:
        fields = {"type": "transfer.sent", "actor_id": "a1", "object_id": "t1"} | changes
        return audit.append(tx, services, **fields, details={"name": "資料.pdf"})


def exported(services: Services, chosen: Filter | None = None, format: Format = "jsonl") -> str:
    return "".join(audit_exporting.start(services, "admin1", chosen or Filter(), format))


def verified(text: str) -> Report:
    report = audit_verifying.verify(text.encode().splitlines(keepends=True))
    assert isinstance(report, Report), report
    return report


def test_64_writers_at_once_leave_no_fork_and_no_gap(services: Services) -> None:
    """Each through a write transaction of its own; who finds the database busy tries again, as a client does."""
    start, returned = threading.Barrier(WRITERS), list[int]()

    def write(writer: int) -> None:
        start.wait()
        for _ in range(EACH):
            while True:
                try:
                    returned.append(append(services, actor_id=f"w{writer}"))
                    break
                except DatabaseUnavailable:
                    continue

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(returned) == list(range(1, WRITERS * EACH + 1))
    with services.database.read() as tx:
        rows = tx.execute(sa.select(audit_events).order_by(audit_events.c.sequence)).all()
        assert audit.verify(tx) is None
    assert [row.sequence for row in rows] == sorted(returned)
    assert len({row.previous_hash for row in rows}) == len(rows)
    assert {row.actor_id for row in rows} == {f"w{writer}" for writer in range(WRITERS)}
    print(f"{WRITERS} writers, {len(rows)} events, one chain")


def test_an_event_of_a_transaction_that_fails_is_not_there(services: Services) -> None:
    append(services)

    def fail() -> None:
        with services.database.write() as tx:
            audit.append(tx, services, type="transfer.sent", actor_id="a", object_id="t")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    append(services)
    assert verified(exported(services)).events == 4  # with the key that was made and the export itself


def test_appending_reads_the_head_and_nothing_else(services: Services) -> None:
    for _ in range(50):
        append(services)
    read: list[str] = []
    sa.event.listen(services.database.engine, "before_cursor_execute", lambda *given: read.append(given[2]))
    append(services)
    selects = [statement for statement in read if statement.startswith("SELECT")]
    assert len(selects) == 1
    assert "LIMIT" in selects[0]
    with services.database.read() as tx:
        plan = tx.exec_driver_sql("EXPLAIN QUERY PLAN SELECT sequence, hash FROM audit_events ORDER BY sequence DESC")
        assert "TEMP B-TREE" not in str(plan.all())  # it stops at the first row of the key's own order


def test_the_whole_export_proves_itself_and_ends_with_its_own_event(services: Services) -> None:
    append(services)
    text = exported(services)
    report = verified(text)
    assert (report.first, report.last, report.withheld, report.service_code) == (1, 3, 0, "acme")
    events = [json.loads(line) for line in text.splitlines()[1:-1]]
    assert [event["type"] for event in events] == ["transfer.sent", "audit.key_created", "audit.exported"]
    assert events[0]["details"] == {"name": "資料.pdf"}


@pytest.mark.parametrize("chosen", [Filter(object="t2"), Filter(type="file."), Filter(object="t2", type="file.")])
def test_a_filtered_export_proves_that_nothing_of_it_is_missing(services: Services, chosen: Filter) -> None:
    append(services)
    append(services, object_id="t2", type="file.uploaded")
    append(services, object_id="t3")
    text = exported(services, chosen)
    verified(text)
    events = [json.loads(line) for line in text.splitlines()[1:-1]]
    assert [event["object_id"] for event in events if event["details"] is not None] == ["t2"]


def test_a_time_range_is_a_part_of_the_chain(services: Services) -> None:
    for _ in range(5):
        append(services)
        clock_of(services).advance(hours=1)
    chosen = audit_exporting.wanted(since="2026-01-05T04:00:00+00:00", until="2026-01-05T15:00:00+09:00")
    text = exported(services, chosen)
    assert [json.loads(line)["sequence"] for line in text.splitlines()[1:-1]] == [2, 3]
    assert verified(text).first == 2
    none = audit_exporting.wanted(since="2027-01-01")
    assert verified(exported(services, none)).events == 0
    assert verified(exported(services, audit_exporting.wanted(until="2026-01-05T06:00:00Z"))).last == 3
    for wrong in ("yesterday", "0001-01-01T00:00:00+09:00", "0999-01-01"):
        with pytest.raises(InvalidInput):
            audit_exporting.wanted(since=wrong)


def test_csv_is_for_people_and_calculates_nothing(services: Services) -> None:
    with services.database.write() as tx:
        details = {"name": "=HYPERLINK(1)"}
        audit.append(tx, services, type="transfer.sent", actor_id="=1+1", object_id="＝１", details=details)
    text = exported(services, Filter(type="transfer."), "csv")
    assert text.startswith('\ufeff"sequence"')
    lines = text.split("\r\n")
    assert len([line for line in lines if line]) == 2
    assert '"\'=1+1","\'＝１","name==HYPERLINK(1)"' in lines[1]


def test_what_is_no_text_does_not_stop_an_act(services: Services) -> None:
    with services.database.write() as tx:
        audit.append(tx, services, type="a.b", actor_id="a", object_id="o", details={"name": "\ud800x"})
    with services.database.read() as tx:
        assert audit.page(tx, services)[0].details == {"name": "?x"}
    verified(exported(services))


def test_without_the_audit_key_the_chain_still_verifies_and_tells_nothing(services: Services) -> None:
    append(services)
    shredded = replace(services, keys=LiveKeys(keyring.generate(os.urandom, "2026-01-01T00:00:00Z")))
    with shredded.database.read() as tx:
        assert audit.verify(tx) is None
        (event,) = audit.page(tx, shredded)
    assert (event.details, event.opening) == (None, None)
    assert "資料".encode() not in event.event.sealed
