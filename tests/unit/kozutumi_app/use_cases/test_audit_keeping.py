"""What may be removed from the log when its time is over, and what is taken out of it as evidence."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from audit_log_world import events, happen, head, sealed, verified
from builders import clock_of, make_services, run_jobs
from kozutumi_app.adapters.database.schema import audit_events, audit_seals
from kozutumi_app.errors import InvalidInput
from kozutumi_app.services import Services
from kozutumi_app.use_cases import (
    audit,
    audit_evidence,
    audit_exporting,
    audit_keeping,
    audit_sealing,
    audit_signing,
)
from kozutumi_contract import audit_evidence as bundle
from kozutumi_contract import signed_document
from kozutumi_contract.audit_export import Filter
from kozutumi_contract.audit_verifying import Fault, Report


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path)
    yield made
    made.database.close()


def old_log(services: Services) -> None:
    """Two hundred events, sealed, older than the retention; then three young ones."""
    happen(services, 200)
    audit_sealing.seal(services)
    clock_of(services).advance(seconds=services.settings.audit_retention + 1)
    happen(services, 3)


def test_only_a_sealed_beginning_goes_and_the_rest_still_verifies(services: Services) -> None:
    old_log(services)
    before = head(services)
    audit_keeping.keep(services)
    with services.database.read() as tx:
        assert audit.floor(tx)[0] == 201
        assert tx.execute(sa.select(sa.func.min(audit_events.c.sequence))).scalar_one() == 202
        assert audit.verify(tx) is None
        assert audit.hash_at(tx, 201) == audit.floor(tx)[1]
    (checkpoint,) = events(services, "audit.pruned")
    assert checkpoint.event.sequence == before[0] + 1
    assert checkpoint.details == {"from": "1", "through": "201", "seal": "1"}
    audit_sealing.seal(services)
    report = verified(services)
    assert isinstance(report, Report)
    assert (report.first, report.sealed_through) == (202, before[0] + 1)
    audit_keeping.keep(services)
    assert len(events(services, "audit.pruned")) == 1


def test_an_event_changed_after_the_removal_is_found(services: Services) -> None:
    old_log(services)
    audit_keeping.keep(services)
    with services.database.write() as tx:
        tx.execute(sa.update(audit_events).where(audit_events.c.sequence == 203).values(outcome="forged"))
        assert audit.verify(tx) == 203


@pytest.mark.parametrize("why", ["held", "young", "unsealed", "not stored", "few"])
def test_nothing_goes(services: Services, why: str) -> None:
    if why == "few":
        happen(services, audit_keeping.FEWEST - 10)
        audit_sealing.seal(services)
        clock_of(services).advance(seconds=services.settings.audit_retention + 1)
    elif why == "unsealed":
        happen(services, 200)
        clock_of(services).advance(seconds=services.settings.audit_retention + 1)
    else:
        old_log(services)
    if why == "not stored":
        with services.database.write() as tx:
            tx.execute(sa.update(audit_seals).values(stored_at=None))
    if why == "young":
        clock_of(services).advance(seconds=-services.settings.audit_retention)
    kept = replace(services, settings=replace(services.settings, legal_hold=1)) if why == "held" else services
    before = head(services)
    audit_keeping.keep(kept)
    assert head(services) == before
    with services.database.read() as tx:
        assert audit.floor(tx)[0] == 0


def evidence(services: Services, chosen: Filter, reason: str = "調査") -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(b"".join(audit_evidence.start(services, "admin1", chosen, reason))))


def checked(file: zipfile.ZipFile, services: Services) -> tuple[dict[str, Any], Report] | Fault:
    with services.database.read() as tx:
        key = signed_document.pinned((audit_signing.public_key(tx) or "").encode())
    return bundle.verify(file.namelist(), lambda name: iter(file.read(name).splitlines(keepends=True)), key=key)


def test_evidence_of_a_transfer_proves_itself_and_is_sealed(services: Services) -> None:
    happen(services, 3)
    happen(services, 2, object_id="t2")
    happen(services, 2)
    result = checked(evidence(services, Filter(object="t2")), services)
    assert not isinstance(result, Fault), result
    document, report = result
    assert (document["about"], document["reason"], document["made_by"]) == ({"object": "t2"}, "調査", "admin1")
    assert (report.first, report.sealed_through, report.withheld) == (4, report.last, 0)
    run_jobs(services)
    assert [sequence for _, sequence in sealed(services)] == [report.last]


def test_evidence_of_a_period_holds_no_details_from_outside_it(services: Services) -> None:
    happen(services)
    clock_of(services).advance(hours=1)
    happen(services)
    clock_of(services).advance(hours=1)
    happen(services)
    chosen = audit_exporting.wanted(since="2026-01-05T04:00:00+00:00", until="2026-01-05T05:00:00+00:00")
    file = evidence(services, chosen)
    assert not isinstance(checked(file, services), Fault)
    lines = [json.loads(line) for line in file.read(bundle.EVENTS).splitlines()[1:-1]]
    assert [line["sequence"] for line in lines if line["details"] is not None] == [2]


@pytest.mark.parametrize("name", [bundle.EVENTS, bundle.SEALS, bundle.PUBLIC_KEY, bundle.README, bundle.MANIFEST])
def test_a_changed_member_is_found(services: Services, name: str) -> None:
    happen(services, 2)
    file = evidence(services, Filter(object="t1"))
    contents = {each: file.read(each) for each in file.namelist()}
    contents[name] = contents[name].replace(b"a", b"b", 1)
    with services.database.read() as tx:
        key = signed_document.pinned((audit_signing.public_key(tx) or "").encode())
    assert isinstance(bundle.verify(contents, lambda each: iter([contents[each]]), key=key), Fault)


@pytest.mark.parametrize(("chosen", "reason"), [(Filter(), "x"), (Filter(object="t1"), " "), (Filter(since="x"), "x")])
def test_evidence_without_a_matter_or_a_reason_is_refused(services: Services, chosen: Filter, reason: str) -> None:
    with pytest.raises(InvalidInput):
        audit_evidence.start(services, "admin1", chosen, reason)
