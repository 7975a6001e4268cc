"""An organization's buckets and IAM user: find → compare → repair, one named side effect a call."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

from kozutumi_contract import labels
from kozutumi_operator.organizations import storage_policy, storage_rotation
from kozutumi_operator.organizations.disposal_record import Kept
from kozutumi_operator.organizations.facts import StorageState, TenantStatus
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.organizations.storage_credential import StorageRecord
from kozutumi_operator.organizations.storage_rotation import Stage
from kozutumi_operator.platform import PlatformSettings
from kozutumi_operator.reconcile import storage_accounts, storage_buckets
from kozutumi_operator.reconcile.effects import Effect, Effects
from kozutumi_operator.reconcile.storage_acts import Acts, StoreTraits
from kozutumi_operator.reconcile.storage_buckets import Wanted
from kozutumi_operator.reconcile.storage_names import is_ours, names_of, tags, tags_of
from kozutumi_operator.storage.ports import ObjectStore, Retention


@dataclass(frozen=True, slots=True, kw_only=True)
class Ensured:
    """`record` is to be kept in the organization's Secret."""

    state: StorageState
    record: StorageRecord


def fingerprint(
    organization: Organization, platform: PlatformSettings, record: StorageRecord | None, stage: Stage
) -> str:
    """Changes whenever what storage should be changes."""
    key = (record.credential.access_key_id, record.retiring, record.created) if record else ()
    parts = [names_of(organization.name, platform).content, platform.s3_endpoint, organization.uid, *key]
    parts += [organization.region, str(storage_policy.archive_retention_days(organization)), stage.value]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


class Storage:
    """The store with side effects named. Errors: StorageUnavailable, StorageRefused, BucketConflict."""

    def __init__(
        self, store: ObjectStore, platform: PlatformSettings, effects: Effects, traits: StoreTraits | None = None
    ) -> None:
        self._store = store
        self._platform = platform
        self._effects = effects
        self._traits = traits or StoreTraits()

    def with_effects(self, effects: Effects) -> Storage:
        """The same store through other effects."""
        return Storage(self._store, self._platform, effects, self._traits)

    def clock_offset(self) -> float | None:
        """Seconds by which the store's clock was ahead in its last answer."""
        return self._store.clock_offset()

    def stage(
        self, organization: Organization, record: StorageRecord | None, tenant: TenantStatus | None, now: datetime
    ) -> Stage:
        return storage_rotation.stage(organization, record, tenant, now)

    async def ensure(
        self,
        organization: Organization,
        record: StorageRecord | None,
        *,
        now: datetime,
        stage: Stage = Stage.KEEP,
        repaired: list[str] | None = None,
    ) -> Ensured:
        """Make buckets, user and policies as they should be; the recorded access keys are left, and no other.

        Where the recorded key is gone, or none is recorded, a new one is made: the caller records it. No key is
        handed out to buckets that are not in the organization's region. `repaired` takes up a line for each thing
        that was not as it should be, also where an error ends the call.
        """
        acts = Acts(self._store, self._effects, self._traits, [] if repaired is None else repaired)
        names, wanted_tags = names_of(organization.name, self._platform), tags_of(organization)
        user = await storage_accounts.ensure_user(acts, names, wanted_tags)
        retention = Retention("COMPLIANCE", storage_policy.archive_retention_days(organization))
        for name, kept in ((names.content, None), (names.archive, retention)):
            wanted = Wanted(name=name, tags=wanted_tags, region=organization.region, user_arn=user.arn, retention=kept)
            await storage_buckets.ensure(acts, wanted)
        token = organization.annotations.get(labels.ROTATE_STORAGE, "")
        kept_record = await storage_accounts.ensure_key(acts, user, names.user, record, stage, token=token, now=now)
        inventory = (f"bucket/{names.content}", f"bucket/{names.archive}", f"iam-user/{names.user}")
        state = StorageState(
            ready=True, message=self._told(kept_record), region=organization.region, inventory=inventory
        )
        return Ensured(state=state, record=kept_record)

    def _told(self, record: StorageRecord) -> str:
        plaintext = (
            "plaintext is denied by policy"
            if self._traits.denies_plaintext
            else "this store's policies know no aws:SecureTransport, so its TLS-only listener alone keeps plaintext out"
        )
        rotation = " A new access key is being taken up by the app." if record.retiring else ""
        return f"Buckets, IAM user and policies are as specified; {plaintext}.{rotation}"

    async def leftovers(self, organization: Organization) -> tuple[bool, bool, bool]:
        """(objects in the content bucket, content bucket, IAM user): what is left of what is ours."""
        acts, wanted = self._acts(), tags_of(organization)
        names = names_of(organization.name, self._platform)
        bucket = await acts.look(self._store.find_bucket, names.content)
        ours = bucket is not None and is_ours(bucket.tags, wanted)
        user = await acts.look(self._store.find_user, names.user)
        objects = ours and not await acts.look(self._store.is_empty, names.content)
        return objects, ours, user is not None and is_ours(user.tags, wanted)

    async def empty_content(self, organization: Organization) -> None:
        name = names_of(organization.name, self._platform).content
        await self._acts().do(Effect.EMPTY_CONTENT_BUCKET, self._store.empty_bucket, name)

    async def remove_content(self, organization: Organization) -> None:
        """Empty it once more: a request of the app's may have been on its way when it was stopped."""
        await self.empty_content(organization)
        name = names_of(organization.name, self._platform).content
        await self._acts().do(Effect.REMOVE_CONTENT_BUCKET, self._store.remove_bucket, name)

    async def remove_user(self, organization: Organization) -> None:
        """Keys first, so that from the first call on the tenant can do less and less."""
        acts, name = self._acts(), names_of(organization.name, self._platform).user
        user = await acts.look(self._store.find_user, name)
        if user is None:
            return
        for key_id in (*user.access_key_ids, *user.inactive_key_ids):
            await acts.do(Effect.REMOVE_ACCESS_KEY, self._store.remove_access_key, name, key_id)
        for policy in user.policies:
            await acts.do(Effect.REMOVE_STORAGE_USER_POLICY, self._store.remove_user_policy, name, policy)
        await acts.do(Effect.REMOVE_STORAGE_USER, self._store.remove_user, name)

    async def settle_archive(self, organization: Organization) -> Kept | None:
        """Remove an archive bucket that holds nothing. What stays otherwise."""
        acts, name = self._acts(), names_of(organization.name, self._platform).archive
        bucket = await acts.look(self._store.find_bucket, name)
        if bucket is None or not is_ours(bucket.tags, tags_of(organization)):
            return None
        if not await acts.look(self._store.is_empty, name):
            return Kept(name, await acts.look(self._store.locked_until, name))
        await acts.do(Effect.REMOVE_ARCHIVE_BUCKET, self._store.remove_bucket, name)
        return None

    async def expire_archive(self, service_code: str, uid: str, bucket: str) -> Kept | None:
        """Remove what no lock holds any more from a departed organization's archive, and the bucket once it is empty.

        What still stays, or None. A bucket without that organization's tags is not touched and counts as gone.
        """
        acts, store = self._acts(), self._store
        found = await acts.look(store.find_bucket, bucket)
        if found is None or not is_ours(found.tags, tags(service_code, uid)):
            return None
        await acts.do(Effect.EXPIRE_ARCHIVE, store.remove_unlocked, bucket)
        if not await acts.look(store.is_empty, bucket):
            return Kept(bucket, await acts.look(store.locked_until, bucket))
        await acts.do(Effect.REMOVE_ARCHIVE_BUCKET, store.remove_bucket, bucket)
        return None

    def _acts(self) -> Acts:
        return Acts(self._store, self._effects, self._traits)
