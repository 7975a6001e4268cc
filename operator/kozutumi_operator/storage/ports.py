"""What the operator needs of an object store. Each call is one named side effect or one look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from kozutumi_operator.organizations.storage_credential import StorageCredential


@dataclass(frozen=True, slots=True)
class Retention:
    """What a bucket's object lock gives to each new object (S3 Object Lock, default retention)."""

    mode: Literal["COMPLIANCE", "GOVERNANCE"]
    days: int


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket as found. `policy` None: it has none. `location` None: the store does not say.

    `suspended`: it once kept versions and may still hold old ones.
    """

    tags: Mapping[str, str]
    versioning: bool
    object_lock: bool
    policy: Mapping[str, Any] | None
    location: str | None = None
    retention: Retention | None = None
    suspended: bool = False


@dataclass(frozen=True, slots=True)
class User:
    """An IAM user as found: everything that grants it something, by name, and its access keys.

    `arn` "": bucket policies of this store name no users. A policy that is attached, or a group that the user
    is in, counts as a policy of that name. `inactive_key_ids` are switched off, but there.
    """

    arn: str
    tags: Mapping[str, str]
    policies: Mapping[str, Mapping[str, Any]]
    access_key_ids: tuple[str, ...]
    inactive_key_ids: tuple[str, ...] = ()


class Buckets(Protocol):
    """Blocking calls; run them in threads. Errors: StorageUnavailable (later), StorageRefused (not as it is)."""

    def find_bucket(self, name: str) -> Bucket | None: ...

    def create_bucket(self, name: str, tags: Mapping[str, str], *, region: str, object_lock: bool) -> None: ...

    def set_versioning(self, name: str, *, enabled: bool) -> None: ...

    def set_retention(self, name: str, retention: Retention) -> None:
        """Default retention of a bucket that has object lock."""
        ...

    def set_bucket_policy(self, name: str, policy: Mapping[str, Any] | None) -> None:
        """None: no policy."""
        ...

    def is_empty(self, name: str) -> bool:
        """Whether neither an object, nor a version, nor an unfinished multipart upload is left."""
        ...

    def empty_bucket(self, name: str) -> None:
        """Remove every object, version and unfinished multipart upload."""
        ...

    def remove_old_versions(self, name: str) -> int:
        """Remove every version and delete marker but the current objects; how many there were."""
        ...

    def locked_until(self, name: str) -> datetime | None:
        """When the last lock of any version ends; None where nothing is locked."""
        ...

    def remove_unlocked(self, name: str) -> None:
        """Remove every version and unfinished upload that no lock holds; the others stay."""
        ...

    def remove_bucket(self, name: str) -> None:
        """Remove an empty bucket; nothing happens if it is gone."""
        ...

    def clock_offset(self) -> float | None:
        """Seconds by which the store's clock was ahead of ours in its last answer. No request is made."""
        ...


class Accounts(Protocol):
    """Users of the store and their access keys; calls and errors as with Buckets."""

    def find_user(self, name: str) -> User | None: ...

    def create_user(self, name: str, tags: Mapping[str, str]) -> str:
        """The new user's ARN (see User)."""
        ...

    def set_user_policy(self, user: str, name: str, policy: Mapping[str, Any]) -> None: ...

    def remove_user_policy(self, user: str, name: str) -> None:
        """Take away what User.policies lists under this name; nothing happens if it is gone."""
        ...

    def create_access_key(self, user: str) -> StorageCredential: ...

    def remove_access_key(self, user: str, key_id: str) -> None: ...

    def remove_user(self, name: str) -> None:
        """Remove a user that has neither keys nor policies; nothing happens if it is gone."""
        ...


class ObjectStore(Buckets, Accounts, Protocol):
    """One store: `s3_iam` and `minio_admin` implement it, `opening` chooses."""
