"""Buckets, user and access key: made, kept, repaired; never adopted, never a key that nobody recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

import operator_builders as builders
from fake_store import FakeStore
from kozutumi_contract.secret import Secret
from kozutumi_operator.errors import (
    BucketConflict,
    RegionMismatch,
    RegionUnknown,
    StorageRefused,
    StorageUnavailable,
)
from kozutumi_operator.organizations.disposal_record import Kept
from kozutumi_operator.organizations.storage_credential import StorageCredential, StorageRecord
from kozutumi_operator.reconcile.effects import Effects
from kozutumi_operator.reconcile.memory import Memories
from kozutumi_operator.reconcile.storage import Storage
from kozutumi_operator.reconcile.storage_checks import StorageChecks
from kozutumi_operator.storage.ports import Bucket, Retention, User

CONTENT, ARCHIVE = "kozutumi-acme", "kozutumi-acme-archive"
ORGANIZATION = builders.organization()
NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=400)


def storage(store: FakeStore) -> Storage:
    return Storage(store, builders.settings(), Effects())


async def made(store: FakeStore) -> StorageRecord:
    """Everything as it should be, and no call remembered."""
    ensured = await storage(store).ensure(ORGANIZATION, None, now=NOW)
    store.calls.clear()
    return ensured.record


async def repaired(store: FakeStore, record: StorageRecord) -> list[str]:
    lines: list[str] = []
    await storage(store).ensure(ORGANIZATION, record, now=LATER, repaired=lines)
    return lines


async def test_makes_everything_once_and_then_changes_nothing() -> None:
    store = FakeStore()
    ensured = await storage(store).ensure(ORGANIZATION, None, now=NOW)
    assert ensured.state.ready
    assert ensured.state.region == "ap-northeast-1"
    content, archive = store.buckets[CONTENT], store.buckets[ARCHIVE]
    assert (content.versioning, content.object_lock, content.retention) == (False, False, None)
    assert (archive.versioning, archive.object_lock, archive.retention) == (True, True, Retention("COMPLIANCE", 365))
    assert store.users[CONTENT].access_key_ids == (ensured.record.credential.access_key_id,)
    store.calls.clear()
    assert await storage(store).ensure(ORGANIZATION, ensured.record, now=LATER) == ensured
    assert store.calls == []


async def test_the_archive_is_locked_for_the_longer_of_audit_and_backup() -> None:
    store = FakeStore()
    body = builders.organization(audit={"retention": "240h"}, backup={"retention": "721h"})
    await storage(store).ensure(body, None, now=NOW)
    assert store.buckets[ARCHIVE].retention == Retention("COMPLIANCE", 31)


async def test_an_access_key_that_nobody_recorded_is_removed() -> None:
    store = FakeStore()
    record = await made(store)
    stray = store.create_access_key(CONTENT)
    assert await repaired(store, record) == [f"User {CONTENT}: unrecorded access key removed"]
    assert store.users[CONTENT].access_key_ids == (record.credential.access_key_id,)
    assert f"remove_access_key {CONTENT} {stray.access_key_id}" in store.calls


async def test_a_key_made_but_not_recorded_before_a_crash_is_replaced() -> None:
    store = FakeStore()
    lost = await made(store)
    ensured = await storage(store).ensure(ORGANIZATION, None, now=NOW)
    assert ensured.record.credential != lost.credential
    assert store.users[CONTENT].access_key_ids == (ensured.record.credential.access_key_id,)


async def test_a_recorded_key_that_is_gone_or_switched_off_is_replaced() -> None:
    store = FakeStore()
    record = await made(store)
    gone = replace(record, credential=StorageCredential("AKIAGONE", Secret("x")))
    ensured = await storage(store).ensure(ORGANIZATION, gone, now=NOW)
    assert store.users[CONTENT].access_key_ids == (ensured.record.credential.access_key_id,)
    off = ensured.record.credential.access_key_id
    store.users[CONTENT] = replace(store.users[CONTENT], access_key_ids=(), inactive_key_ids=(off,))
    ensured = await storage(store).ensure(ORGANIZATION, ensured.record, now=NOW)
    assert store.users[CONTENT].access_key_ids == (ensured.record.credential.access_key_id,)
    assert store.users[CONTENT].inactive_key_ids == ()


DRIFTS: list[tuple[Callable[[FakeStore], object], str, str]] = [
    (
        lambda store: store.set_versioning(CONTENT, enabled=True),
        f"set_versioning {CONTENT}",
        f"Bucket {CONTENT}: versioning switched off again",
    ),
    (
        lambda store: store.set_versioning(ARCHIVE, enabled=False),
        f"set_versioning {ARCHIVE}",
        f"Bucket {ARCHIVE}: versioning switched on again",
    ),
    (
        lambda store: store.set_retention(ARCHIVE, Retention("GOVERNANCE", 365)),
        f"set_retention {ARCHIVE}",
        f"Bucket {ARCHIVE}: lock of new objects set to 365 days again",
    ),
    (
        lambda store: store.set_bucket_policy(CONTENT, {"Statement": []}),
        f"set_bucket_policy {CONTENT}",
        f"Bucket {CONTENT}: policy set again",
    ),
    (
        lambda store: store.set_bucket_policy(ARCHIVE, None),
        f"set_bucket_policy {ARCHIVE}",
        f"Bucket {ARCHIVE}: policy set again",
    ),
    (
        lambda store: store.set_user_policy(CONTENT, "tenant", {}),
        f"set_user_policy {CONTENT} tenant",
        f"User {CONTENT}: policy set again",
    ),
    (
        lambda store: store.set_user_policy(CONTENT, "more", {}),
        f"remove_user_policy {CONTENT} more",
        f"User {CONTENT}: policy more taken away",
    ),
    (
        lambda store: store.buckets.pop(CONTENT),
        f"create_bucket {CONTENT}",
        f"Bucket {CONTENT}: made again",
    ),
]


@pytest.mark.parametrize(("drift", "repair", "told"), DRIFTS)
async def test_drift_is_repaired_told_and_then_nothing_is_left_to_do(
    drift: Callable[[FakeStore], object], repair: str, told: str
) -> None:
    store = FakeStore()
    record = await made(store)
    drift(store)
    store.calls.clear()
    assert told in await repaired(store, record)
    assert repair in store.calls
    assert await repaired(store, record) == []


async def test_what_was_kept_while_versioning_was_on_is_removed_also_by_an_operator_that_starts_later() -> None:
    store = FakeStore()
    record = await made(store)
    store.set_versioning(CONTENT, enabled=True)
    store.set_versioning(CONTENT, enabled=False)  # and killed there
    store.old_versions[CONTENT] = 2
    ours = storage(store)
    lines: list[str] = []
    await ours.ensure(ORGANIZATION, record, now=NOW, repaired=lines)
    assert (lines, store.old_versions) == ([f"Bucket {CONTENT}: old versions removed"], {})
    store.calls.clear()
    await ours.ensure(ORGANIZATION, record, now=NOW)
    assert store.calls == []


async def test_plaintext_is_denied_where_the_store_can_and_told_where_it_cannot() -> None:
    able, unable = FakeStore(), FakeStore(knows_plaintext=False)
    state = (await storage(able).ensure(ORGANIZATION, None, now=NOW)).state
    assert "plaintext is denied by policy" in state.message
    ours = storage(unable)
    ensured = await ours.ensure(ORGANIZATION, None, now=NOW)
    assert "aws:SecureTransport" in ensured.state.message
    unable.calls.clear()
    await ours.ensure(ORGANIZATION, ensured.record, now=NOW)
    assert unable.calls == []


async def test_no_key_is_handed_out_to_buckets_elsewhere() -> None:
    store = FakeStore(elsewhere="eu-west-1")
    with pytest.raises(RegionMismatch, match="eu-west-1, not in ap-northeast-1"):
        await storage(store).ensure(ORGANIZATION, None, now=NOW)
    assert store.users[CONTENT].access_key_ids == ()
    store.buckets[CONTENT] = replace(store.buckets[CONTENT], location=None)
    with pytest.raises(RegionUnknown, match="does not say"):
        await storage(store).ensure(ORGANIZATION, None, now=NOW)


async def test_what_is_not_ours_is_not_touched() -> None:
    store = FakeStore(buckets={CONTENT: Bucket({}, False, False, None)})
    with pytest.raises(BucketConflict, match="was not made by Kozutumi"):
        await storage(store).ensure(ORGANIZATION, None, now=NOW)
    earlier = {"service-code": "acme", "organization-uid": "another"}
    store = FakeStore(users={CONTENT: User("arn", earlier, {}, ())})
    with pytest.raises(BucketConflict, match="earlier organization"):
        await storage(store).ensure(ORGANIZATION, None, now=NOW)
    assert await storage(store).leftovers(ORGANIZATION) == (False, False, False)


async def test_an_archive_without_object_lock_is_refused() -> None:
    store = FakeStore()
    record = await made(store)
    store.buckets[ARCHIVE] = replace(store.buckets[ARCHIVE], object_lock=False)
    with pytest.raises(StorageRefused, match="no object lock"):
        await storage(store).ensure(ORGANIZATION, record, now=NOW)


async def test_disposal_takes_keys_before_the_user_and_empties_before_removing() -> None:
    store = FakeStore()
    await made(store)
    store.objects[CONTENT] = {"file": None}
    assert await storage(store).leftovers(ORGANIZATION) == (True, True, True)
    await storage(store).empty_content(ORGANIZATION)
    await storage(store).remove_content(ORGANIZATION)
    await storage(store).remove_user(ORGANIZATION)
    assert await storage(store).leftovers(ORGANIZATION) == (False, False, False)
    kinds = [call.split()[0] for call in store.calls]
    assert kinds.index("remove_access_key") < kinds.index("remove_user")


async def test_an_archive_stays_while_it_holds_something() -> None:
    store = FakeStore()
    await made(store)
    store.objects[ARCHIVE] = {"sealed head": LATER, "another": NOW}
    assert await storage(store).settle_archive(ORGANIZATION) == Kept(ARCHIVE, LATER)
    store.objects.clear()
    assert await storage(store).settle_archive(ORGANIZATION) is None
    assert ARCHIVE not in store.buckets


async def test_a_check_changes_nothing_and_tells_what_drifted() -> None:
    store, changed = FakeStore(), list[str]()
    ours = storage(store)
    record = (await ours.ensure(ORGANIZATION, None, now=NOW)).record
    checks = StorageChecks(ours, builders.settings(), Memories(), changed.append, now=lambda: NOW, random=lambda: 0.5)
    checks.keep(ORGANIZATION, record)
    await checks.check("acme")
    assert changed == []
    store.create_access_key(CONTENT)
    store.calls.clear()
    await checks.check("acme")
    assert (changed, store.calls) == (["acme"], [])
    store.away = True
    await checks.check("acme")
    assert changed == ["acme", "acme"]
    checks.drop("acme")
    await checks.check("acme")
    assert changed == ["acme", "acme"]


async def test_a_check_has_a_store_whose_clock_went_off_told_once() -> None:
    store, changed = FakeStore(), list[str]()
    ours = storage(store)
    record = (await ours.ensure(ORGANIZATION, None, now=NOW)).record
    checks = StorageChecks(ours, builders.settings(), Memories(), changed.append, now=lambda: NOW, random=lambda: 0.5)
    checks.keep(ORGANIZATION, record)
    for offset, told in ((4.0, 0), (-6.0, 1), (-6.5, 1), (0.0, 2)):
        store.offset = offset
        await checks.check("acme")
        assert len(changed) == told


async def test_a_store_that_is_away_is_unavailable_not_refused() -> None:
    with pytest.raises(StorageUnavailable):
        await storage(FakeStore(away=True)).ensure(ORGANIZATION, None, now=NOW)
