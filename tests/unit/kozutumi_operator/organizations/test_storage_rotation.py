"""When an access key is replaced, and when the old one may go: never while the app may still use it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kozutumi_contract import access_key, labels
from kozutumi_contract.secret import Secret
from kozutumi_operator.organizations import spec, storage_credential, storage_rotation
from kozutumi_operator.organizations.facts import TenantStatus
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.organizations.storage_credential import StorageCredential, StorageRecord
from kozutumi_operator.organizations.storage_rotation import SETTLE, UNTOLD, Stage
from operator_builders import body
from organization_world import DOWN, TENANT

NOW = datetime(2026, 6, 1, tzinfo=UTC)
RECORD = StorageRecord(
    credential=StorageCredential("AKIANEW", Secret("s")), created=(NOW - timedelta(hours=2)).isoformat()
)
BOTH = replace(RECORD, retiring="AKIAOLD")
USING_NEW = replace(TENANT, storage_credential=access_key.fingerprint("AKIANEW"))
USING_OLD = replace(TENANT, storage_credential=access_key.fingerprint("AKIAOLD"))


def organization(token: str = "", **fields: Any) -> Organization:
    described = body(**fields)
    described["metadata"]["annotations"] = {labels.ROTATE_STORAGE: token} if token else {}
    return spec.parse(described)


def stage(asked: Organization, record: StorageRecord | None, tenant: TenantStatus | None = TENANT) -> Stage:
    return storage_rotation.stage(asked, record, tenant, NOW)


def test_it_begins_for_a_new_token_and_once_for_each() -> None:
    assert stage(organization(), RECORD) is Stage.KEEP
    assert stage(organization("monday"), RECORD) is Stage.BEGIN
    assert stage(organization("monday"), replace(RECORD, token="monday")) is Stage.KEEP
    assert stage(organization("tuesday"), replace(RECORD, token="monday")) is Stage.BEGIN
    assert stage(organization("tuesday"), None) is Stage.KEEP


def test_it_begins_by_age() -> None:
    asked = organization(encryption={"rotationPeriod": "24h"})
    young, old = (replace(RECORD, created=(NOW - timedelta(hours=hours)).isoformat()) for hours in (23, 24))
    assert stage(asked, young) is Stage.KEEP
    assert stage(asked, old) is Stage.BEGIN
    assert stage(asked, replace(RECORD, created="")) is Stage.KEEP


@pytest.mark.parametrize(
    ("title", "tenant", "age", "expected"),
    [
        ("the app uses the new key", USING_NEW, SETTLE, Stage.FINISH),
        ("another replica may not have it yet", USING_NEW, SETTLE - timedelta(seconds=1), Stage.WAIT),
        ("the app still uses the old key", USING_OLD, UNTOLD, Stage.WAIT),
        ("the app does not answer", None, UNTOLD, Stage.WAIT),
        ("the app cannot use its bucket", replace(USING_NEW, storage=DOWN), UNTOLD, Stage.WAIT),
        ("an older app does not tell", TENANT, UNTOLD - timedelta(seconds=1), Stage.WAIT),
        ("an older app had an hour", TENANT, UNTOLD, Stage.FINISH),
    ],
)
def test_the_old_key_goes_only_when(title: str, tenant: TenantStatus | None, age: timedelta, expected: Stage) -> None:
    record = replace(BOTH, created=(NOW - age).isoformat())
    assert stage(organization("another token"), record, tenant) is expected, title


def test_a_suspended_organization_has_nobody_to_wait_for() -> None:
    assert stage(organization(suspend=True), BOTH, None) is Stage.FINISH


def test_the_record_is_read_back_from_the_secret_as_it_was_written() -> None:
    for record in (RECORD, BOTH, replace(RECORD, token="t"), replace(RECORD, created="")):
        written = {name: value.reveal() for name, value in storage_credential.entries(record).items()}
        assert storage_credential.read(written) == record
    assert storage_credential.read({"access-key-id": b"x"}) is None
    assert storage_credential.read({}) is None
