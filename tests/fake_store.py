"""An object store in memory, with what the operator's tests need to break."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from kozutumi_contract.secret import Secret
from kozutumi_operator.errors import StorageRefused, StorageUnavailable
from kozutumi_operator.organizations.storage_credential import StorageCredential
from kozutumi_operator.storage.ports import Bucket, Retention, User


@dataclass
class FakeStore:
    """`calls` lists what was changed, in order. `away` makes every call fail as a dead store does.

    `objects`: key → end of its lock or None, by bucket. `old_versions`: how many a bucket holds.
    """

    buckets: dict[str, Bucket] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    objects: dict[str, dict[str, datetime | None]] = field(default_factory=dict)
    old_versions: dict[str, int] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    away: bool = False
    knows_plaintext: bool = True
    elsewhere: str | None = None
    offset: float | None = 0.0
    now: Callable[[], datetime] | None = None
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def find_bucket(self, name: str) -> Bucket | None:
        self._answer()
        return self.buckets.get(name)

    def create_bucket(self, name: str, tags: Mapping[str, str], *, region: str, object_lock: bool) -> None:
        self._change(f"create_bucket {name}")
        location = self.elsewhere or region
        self.buckets[name] = Bucket(dict(tags), object_lock, object_lock, None, location)

    def set_versioning(self, name: str, *, enabled: bool) -> None:
        self._change(f"set_versioning {name}")
        self.buckets[name] = replace(self.buckets[name], versioning=enabled, suspended=not enabled)

    def set_retention(self, name: str, retention: Retention) -> None:
        self._change(f"set_retention {name}")
        self.buckets[name] = replace(self.buckets[name], retention=retention)

    def set_bucket_policy(self, name: str, policy: Mapping[str, Any] | None) -> None:
        self._change(f"set_bucket_policy {name}")
        if not self.knows_plaintext and any("Condition" in each for each in (policy or {}).get("Statement", ())):
            raise StorageRefused("this store knows no conditions")
        self.buckets[name] = replace(self.buckets[name], policy=policy)

    def is_empty(self, name: str) -> bool:
        self._answer()
        return not self.objects.get(name)

    def empty_bucket(self, name: str) -> None:
        self._change(f"empty_bucket {name}")
        self.objects.pop(name, None)

    def remove_old_versions(self, name: str) -> int:
        self._change(f"remove_old_versions {name}")
        return self.old_versions.pop(name, 0)

    def locked_until(self, name: str) -> datetime | None:
        self._answer()
        return max((until for until in self.objects.get(name, {}).values() if until), default=None)

    def remove_unlocked(self, name: str) -> None:
        self._change(f"remove_unlocked {name}")
        assert self.now is not None
        now, held = self.now(), self.objects.get(name, {})
        self.objects[name] = {key: until for key, until in held.items() if until is not None and until > now}

    def remove_bucket(self, name: str) -> None:
        self._change(f"remove_bucket {name}")
        assert not self.objects.get(name)
        self.buckets.pop(name, None)

    def clock_offset(self) -> float | None:
        return self.offset

    def find_user(self, name: str) -> User | None:
        self._answer()
        return self.users.get(name)

    def create_user(self, name: str, tags: Mapping[str, str]) -> str:
        self._change(f"create_user {name}")
        arn = f"arn:aws:iam::000000000000:user/{name}"
        self.users[name] = User(arn, dict(tags), {}, ())
        return arn

    def set_user_policy(self, user: str, name: str, policy: Mapping[str, Any]) -> None:
        self._change(f"set_user_policy {user} {name}")
        old = self.users[user]
        self.users[user] = replace(old, policies={**old.policies, name: policy})

    def remove_user_policy(self, user: str, name: str) -> None:
        self._change(f"remove_user_policy {user} {name}")
        old = self.users[user]
        rest = {key: value for key, value in old.policies.items() if key != name}
        self.users[user] = replace(old, policies=rest)

    def create_access_key(self, user: str) -> StorageCredential:
        self._change(f"create_access_key {user}")
        key = f"AKIA{next(self._numbers)}"
        self._set_keys(user, (*self.users[user].access_key_ids, key))
        return StorageCredential(key, Secret(f"secret of {key}"))

    def remove_access_key(self, user: str, key_id: str) -> None:
        self._change(f"remove_access_key {user} {key_id}")
        old = self.users[user]
        inactive = tuple(key for key in old.inactive_key_ids if key != key_id)
        self.users[user] = replace(old, inactive_key_ids=inactive)
        self._set_keys(user, tuple(key for key in old.access_key_ids if key != key_id))

    def remove_user(self, name: str) -> None:
        self._change(f"remove_user {name}")
        user = self.users.pop(name)
        assert not user.policies
        assert not user.access_key_ids
        assert not user.inactive_key_ids

    def _set_keys(self, user: str, keys: tuple[str, ...]) -> None:
        self.users[user] = replace(self.users[user], access_key_ids=keys)

    def _change(self, call: str) -> None:
        self._answer()
        self.calls.append(call)

    def _answer(self) -> None:
        if self.away:
            raise StorageUnavailable("the store is away")
