"""One bucket as it should be: made, tagged, versioned or not, locked, under its policy, in its region."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kozutumi_operator.errors import StorageRefused, StorageUnavailable
from kozutumi_operator.organizations import residency, storage_policy
from kozutumi_operator.reconcile.effects import Effect
from kozutumi_operator.reconcile.storage_acts import Acts
from kozutumi_operator.reconcile.storage_names import refuse_foreign
from kozutumi_operator.storage.ports import Bucket, Retention


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """`retention` of the archive; None is the content bucket, which keeps no versions and locks nothing."""

    name: str
    tags: Mapping[str, str]
    region: str
    user_arn: str
    retention: Retention | None

    @property
    def archive(self) -> bool:
        return self.retention is not None

    def policy(self, *, tls_only: bool) -> dict[str, Any] | None:
        make = storage_policy.archive_bucket_policy if self.archive else storage_policy.content_bucket_policy
        return make(self.name, self.user_arn, tls_only=tls_only)


async def ensure(acts: Acts, wanted: Wanted) -> None:
    """Errors: those of the store, BucketConflict, RegionMismatch, RegionUnknown (after everything else is right)."""
    bucket = await _found_or_made(acts, wanted)
    refuse_foreign(f"Bucket {wanted.name}", bucket.tags, wanted.tags)
    await _ensure_lock(acts, wanted, bucket)
    await _ensure_versioning(acts, wanted, bucket)
    await _ensure_policy(acts, wanted, bucket)
    residency.check(wanted.name, bucket.location, wanted.region)


async def _found_or_made(acts: Acts, wanted: Wanted) -> Bucket:
    bucket = await acts.look(acts.store.find_bucket, wanted.name)
    if bucket is None:
        effect = Effect.CREATE_ARCHIVE_BUCKET if wanted.archive else Effect.CREATE_CONTENT_BUCKET
        create, region = acts.store.create_bucket, wanted.region
        what = f"Bucket {wanted.name}: made again"
        await acts.repair(what, effect, create, wanted.name, wanted.tags, region=region, object_lock=wanted.archive)
        bucket = await acts.look(acts.store.find_bucket, wanted.name)
    if bucket is None:
        raise StorageUnavailable(f"bucket {wanted.name} was made and is not there yet; it is looked for again")
    return bucket


async def _ensure_lock(acts: Acts, wanted: Wanted, bucket: Bucket) -> None:
    if wanted.retention is None:
        return
    if not bucket.object_lock:
        raise StorageRefused(
            f"bucket {wanted.name} has no object lock, which a bucket gets only when it is made; "
            "move its content elsewhere and remove it, then it is made again"
        )
    if bucket.retention != wanted.retention:
        what = f"Bucket {wanted.name}: lock of new objects set to {wanted.retention.days} days again"
        effect, call = Effect.SET_BUCKET_RETENTION, acts.store.set_retention
        await acts.repair(what, effect, call, wanted.name, wanted.retention)


async def _ensure_versioning(acts: Acts, wanted: Wanted, bucket: Bucket) -> None:
    name, purged = wanted.name, acts.traits.purged
    if bucket.versioning != wanted.archive:
        purged.discard(name)
        what = f"Bucket {name}: versioning switched {'on' if wanted.archive else 'off'} again"
        effect, call = Effect.SET_BUCKET_VERSIONING, acts.store.set_versioning
        await acts.repair(what, effect, call, name, enabled=wanted.archive)
    # A deletion is a deletion: what was kept while versioning was on goes. S3 has no way back to "never versioned",
    # so a suspended bucket is gone through once in the life of each process.
    if not wanted.archive and (bucket.versioning or bucket.suspended) and name not in purged:
        if await acts.do(Effect.PURGE_OLD_VERSIONS, acts.store.remove_old_versions, name):
            acts.repaired.append(f"Bucket {name}: old versions removed")
        purged.add(name)


async def _ensure_policy(acts: Acts, wanted: Wanted, bucket: Bucket) -> None:
    """With plaintext denied where the store takes that, else without; found out once, by trying."""
    strict, traits = wanted.policy(tls_only=True), acts.traits
    if storage_policy.same(bucket.policy, strict):
        traits.denies_plaintext = True
        return
    what, effect, call = (
        f"Bucket {wanted.name}: policy set again",
        Effect.SET_BUCKET_POLICY,
        acts.store.set_bucket_policy,
    )
    tried = False
    if traits.denies_plaintext is not False:
        tried = True
        try:
            await acts.do(effect, call, wanted.name, strict)
        except StorageRefused:
            if traits.denies_plaintext:
                raise
        else:
            again = await acts.look(acts.store.find_bucket, wanted.name)
            if again is not None and storage_policy.same(again.policy, strict):
                traits.denies_plaintext = True
                acts.repaired.append(what)
                return
    plain = wanted.policy(tls_only=False)
    if tried or not storage_policy.same(bucket.policy, plain):
        await acts.repair(what, effect, call, wanted.name, plain)
    traits.denies_plaintext = False
