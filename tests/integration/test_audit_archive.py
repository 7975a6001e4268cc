"""Seals against a real object store: put once, listed in order, found again by an app that has lost its database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from builders import make_services
from kozutumi_app.adapters.archive import S3Archive
from kozutumi_app.adapters.blobs import MountedCredentials
from kozutumi_app.errors import ObjectMissing, StorageUnavailable
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit, audit_exporting, audit_sealing
from kozutumi_contract import audit_seals, audit_verifying, tls
from kozutumi_contract.audit_export import Filter
from kozutumi_contract.audit_verifying import Report
from storage_fixtures import RunningStorage, app_settings, running_storage


@pytest.fixture(scope="module")
def storage() -> Iterator[RunningStorage]:
    with running_storage() as running:
        (running.root / app_settings().archive_bucket).mkdir()
        yield running


def archive_of(storage: RunningStorage) -> S3Archive:
    settings = app_settings(storage.url)
    context = tls.client_context(storage.ca).context
    return S3Archive(settings, MountedCredentials(storage.secrets_directory), context)


def happen(services: Services, count: int) -> None:
    with services.database.write() as tx:
        for _ in range(count):
            audit.append(tx, services, type="transfer.sent", actor_id="a1", object_id="t1")


def test_seals_are_objects_in_order_and_verify_an_export(storage: RunningStorage, tmp_path: Path) -> None:
    archive = archive_of(storage)
    services = make_services(tmp_path, archive=archive, random=os.urandom)
    for _ in range(3):
        happen(services, 4)
        audit_sealing.seal(services)
    names = list(archive.list_after(audit_seals.PREFIX, ""))
    assert names == [audit_seals.object_name(number) for number in (1, 2, 3)]
    assert list(archive.list_after(audit_seals.PREFIX, names[0])) == names[1:]
    lines = "".join(audit_exporting.start(services, "a1", Filter())).encode().splitlines(keepends=True)
    report = audit_verifying.verify(lines, seals=[archive.get(name) for name in names])
    assert isinstance(report, Report)
    assert report.sealed_through == 13
    with pytest.raises(ObjectMissing):
        archive.get("audit/none")
    storage.kill()
    happen(services, 1)
    with pytest.raises(StorageUnavailable):
        audit_sealing.seal(services)
    storage.start()
    audit_sealing.seal(services)
    assert len(list(archive.list_after(audit_seals.PREFIX, ""))) == 4
    services.database.close()
