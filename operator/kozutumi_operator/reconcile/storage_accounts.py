"""The tenant's IAM user and its access keys: one policy, one key, or two while one replaces the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from kozutumi_operator.organizations import storage_policy
from kozutumi_operator.organizations.storage_credential import StorageRecord
from kozutumi_operator.organizations.storage_rotation import Stage
from kozutumi_operator.reconcile.effects import Effect
from kozutumi_operator.reconcile.storage_acts import Acts
from kozutumi_operator.reconcile.storage_names import Names, refuse_foreign
from kozutumi_operator.storage.ports import User

POLICY: Final = "tenant"


async def ensure_user(acts: Acts, names: Names, tags: Mapping[str, str]) -> User:
    store, name = acts.store, names.user
    user = await acts.look(store.find_user, name)
    if user is None:
        arn = await acts.repair(f"User {name}: made again", Effect.CREATE_STORAGE_USER, store.create_user, name, tags)
        user = User(arn=arn, tags=tags, policies={}, access_key_ids=())
    refuse_foreign(f"IAM user {name}", user.tags, tags)
    wanted = storage_policy.user_policy(names.content, names.archive)
    if not storage_policy.same(user.policies.get(POLICY), wanted):
        what, effect = f"User {name}: policy set again", Effect.SET_STORAGE_USER_POLICY
        await acts.repair(what, effect, store.set_user_policy, name, POLICY, wanted)
    for extra in sorted(user.policies.keys() - {POLICY}):
        what, effect = f"User {name}: policy {extra} taken away", Effect.REMOVE_STORAGE_USER_POLICY
        await acts.repair(what, effect, store.remove_user_policy, name, extra)
    return user


async def ensure_key(
    acts: Acts, user: User, name: str, record: StorageRecord | None, stage: Stage, *, token: str, now: datetime
) -> StorageRecord:
    """The record to keep: the one given, unless its key is gone or the rotation goes a step on."""
    retiring = record.retiring if record and record.retiring in user.access_key_ids else ""
    held = record.credential.access_key_id if record else ""
    if retiring and stage is Stage.FINISH and held in user.access_key_ids:
        await acts.do(Effect.RETIRE_ACCESS_KEY, acts.store.remove_access_key, name, retiring)
        user, retiring = _without(user, retiring), ""
    for key_id in (*user.access_key_ids, *user.inactive_key_ids):
        if key_id not in (held, retiring) or key_id in user.inactive_key_ids:
            what, effect = f"User {name}: unrecorded access key removed", Effect.REMOVE_ACCESS_KEY
            await acts.repair(what, effect, acts.store.remove_access_key, name, key_id)
    created = now.isoformat(timespec="seconds")
    if record is None or held not in user.access_key_ids:
        what, effect = f"User {name}: access key made again", Effect.CREATE_ACCESS_KEY
        credential = await acts.repair(what, effect, acts.store.create_access_key, name)
        return StorageRecord(credential=credential, retiring=retiring, token=token, created=created)
    if stage is Stage.BEGIN and not retiring:
        second = await acts.do(Effect.CREATE_SECOND_ACCESS_KEY, acts.store.create_access_key, name)
        return StorageRecord(credential=second, retiring=held, token=token, created=created)
    return replace(record, retiring=retiring, created=record.created or created)


def _without(user: User, key_id: str) -> User:
    return replace(user, access_key_ids=tuple(each for each in user.access_key_ids if each != key_id))
