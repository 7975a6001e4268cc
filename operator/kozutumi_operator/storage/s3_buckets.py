"""Buckets over the S3 API, the same for every store."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from kozutumi_operator.errors import StorageRefused
from kozutumi_operator.organizations import clocks
from kozutumi_operator.organizations.storage_credential import StorageCredential
from kozutumi_operator.storage.errors_of_boto import GONE, code, translated, unless_gone, unless_unknown
from kozutumi_operator.storage.ports import Bucket, Retention

CONFIG: Final = Config(
    connect_timeout=5,
    read_timeout=20,
    retries={"max_attempts": 2, "mode": "standard"},
    s3={"addressing_style": "path"},
    max_pool_connections=16,
)
IMPLIED_REGION: Final = "us-east-1"  # S3's answer for it is an empty LocationConstraint
_ASKED: Final = "kozutumi-asked"
_PAGE: Final = 1000  # the most that one DeleteObjects takes


_SESSION: Any = boto3.session.Session()  # one for all: each reads the services' descriptions anew, which takes long


def client(service: str, credential: StorageCredential, *, endpoint: str, region: str, ca_file: str) -> Any:
    """A client of boto3 that takes no credential from anywhere else."""
    return _SESSION.client(
        service,
        endpoint_url=endpoint,
        region_name=region,
        verify=ca_file,
        config=CONFIG,
        aws_access_key_id=credential.access_key_id,
        aws_secret_access_key=credential.secret_access_key.reveal(),
    )


class S3Buckets:
    """Implements ports.Buckets with the operator's own account at the store (root or an administrator)."""

    def __init__(
        self,
        *,
        s3_endpoint: str,
        region: str,
        ca_file: str,
        credential: StorageCredential,
        now: Callable[[], datetime],
    ) -> None:
        self._now = now
        self._clock_offset: float | None = None
        self._s3: Any = client("s3", credential, endpoint=s3_endpoint, region=region, ca_file=ca_file)
        self._s3.meta.events.register("before-call.s3", self._note_asked)
        self._s3.meta.events.register("after-call.s3", self._note_clock)

    def find_bucket(self, name: str) -> Bucket | None:
        with translated(f"look at bucket {name}"):
            if unless_gone(self._s3.head_bucket, Bucket=name) is None:
                return None
            tags = unless_gone(self._s3.get_bucket_tagging, Bucket=name) or {}
            versioning = self._s3.get_bucket_versioning(Bucket=name).get("Status")
            lock = unless_gone(self._s3.get_object_lock_configuration, Bucket=name) or {}
            policy = unless_gone(self._s3.get_bucket_policy, Bucket=name)
            location = unless_unknown(self._s3.get_bucket_location, Bucket=name)
        configuration = lock.get("ObjectLockConfiguration", {})
        return Bucket(
            tags={tag["Key"]: tag["Value"] for tag in tags.get("TagSet", ())},
            versioning=versioning == "Enabled",
            suspended=versioning == "Suspended",
            object_lock=configuration.get("ObjectLockEnabled") == "Enabled",
            policy=None if policy is None else json.loads(policy["Policy"]),
            location=None if location is None else location.get("LocationConstraint") or IMPLIED_REGION,
            retention=_retention(configuration),
        )

    def create_bucket(self, name: str, tags: Mapping[str, str], *, region: str, object_lock: bool) -> None:
        # Tagged in the very call that makes it: a bucket without our tag is never adopted,
        # so a crash between two calls would strand one.
        configuration: dict[str, Any] = {"Tags": tag_list(tags)}
        if region != IMPLIED_REGION:
            configuration["LocationConstraint"] = region
        with translated(f"create bucket {name} in region {region}"):
            self._s3.create_bucket(
                Bucket=name, CreateBucketConfiguration=configuration, ObjectLockEnabledForBucket=object_lock
            )
            if unless_gone(self._s3.get_bucket_tagging, Bucket=name) is None:  # a store that ignored them
                self._s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tag_list(tags)})

    def set_versioning(self, name: str, *, enabled: bool) -> None:
        status = "Enabled" if enabled else "Suspended"
        with translated(f"set versioning of bucket {name}"):
            self._s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": status})

    def set_retention(self, name: str, retention: Retention) -> None:
        rule = {"DefaultRetention": {"Mode": retention.mode, "Days": retention.days}}
        with translated(f"set the retention of bucket {name}"):
            self._s3.put_object_lock_configuration(
                Bucket=name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
            )

    def set_bucket_policy(self, name: str, policy: Mapping[str, Any] | None) -> None:
        with translated(f"set the policy of bucket {name}"):
            if policy is None:
                unless_gone(self._s3.delete_bucket_policy, Bucket=name)
            else:
                self._s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))

    def is_empty(self, name: str) -> bool:
        with translated(f"list bucket {name}"):
            versions = unless_gone(self._s3.list_object_versions, Bucket=name, MaxKeys=1) or {}
            uploads = unless_gone(self._s3.list_multipart_uploads, Bucket=name, MaxUploads=1) or {}
        return not (versions.get("Versions") or versions.get("DeleteMarkers") or uploads.get("Uploads"))

    def empty_bucket(self, name: str) -> None:
        with translated(f"empty bucket {name}"):
            self._abort_uploads(name)
            while batch := self._first_versions(name):
                if errors := self._delete(name, batch):
                    raise StorageRefused(f"bucket {name} keeps {errors[0].get('Key')}: {errors[0].get('Message')}")

    def remove_old_versions(self, name: str) -> int:
        with translated(f"remove old versions in bucket {name}"):
            old = [_version(each) for each in self._versions(name) if not each.get("IsLatest") or "Size" not in each]
            for start in range(0, len(old), _PAGE):
                if errors := self._delete(name, old[start : start + _PAGE]):
                    raise StorageRefused(f"bucket {name} keeps {errors[0].get('Key')}: {errors[0].get('Message')}")
        return len(old)

    def locked_until(self, name: str) -> datetime | None:
        with translated(f"look at the locks in bucket {name}"):
            configuration = unless_gone(self._s3.get_object_lock_configuration, Bucket=name) or {}
            default = _retention(configuration.get("ObjectLockConfiguration", {}))
            versions = (each for each in self._versions(name) if "Size" in each)
            ends = (self._lock_end(name, each, default) for each in versions)
            return max((end for end in ends if end is not None and end > self._now()), default=None)

    def remove_unlocked(self, name: str) -> None:
        with translated(f"remove what is not locked in bucket {name}"):
            self._abort_uploads(name)
            found = [_version(each) for each in self._versions(name)]
            for start in range(0, len(found), _PAGE):
                self._delete(name, found[start : start + _PAGE])  # the store keeps the locked ones

    def remove_bucket(self, name: str) -> None:
        with translated(f"remove bucket {name}"):
            unless_gone(self._s3.delete_bucket, Bucket=name)

    def clock_offset(self) -> float | None:
        return self._clock_offset

    def _lock_end(self, name: str, version: Mapping[str, Any], default: Retention | None) -> datetime | None:
        """S3 writes the bucket's default into each object; VersityGW applies it without writing it down."""
        head = self._s3.head_object(Bucket=name, Key=version["Key"], VersionId=version["VersionId"])
        until: datetime | None = head.get("ObjectLockRetainUntilDate")
        if until is None and default is not None:
            modified: datetime = version["LastModified"]
            return modified + timedelta(days=default.days)
        return until

    def _abort_uploads(self, name: str) -> None:
        for upload in self._pages("list_multipart_uploads", ("Uploads",), name):
            self._s3.abort_multipart_upload(Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"])

    def _delete(self, name: str, batch: list[dict[str, str]]) -> list[dict[str, str]]:
        """What the store would not delete, and why."""
        answer = self._s3.delete_objects(Bucket=name, Delete={"Objects": batch, "Quiet": True})
        errors: list[dict[str, str]] = answer.get("Errors") or []
        return errors

    def _first_versions(self, name: str) -> list[dict[str, str]]:
        page = unless_gone(self._s3.list_object_versions, Bucket=name, MaxKeys=_PAGE) or {}
        return [_version(each) for each in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))]

    def _versions(self, name: str) -> Iterator[dict[str, Any]]:
        """Versions and delete markers; only the former have a Size."""
        return self._pages("list_object_versions", ("Versions", "DeleteMarkers"), name)

    def _pages(self, operation: str, entries: tuple[str, ...], bucket: str) -> Iterator[dict[str, Any]]:
        try:
            for page in self._s3.get_paginator(operation).paginate(Bucket=bucket):
                for entry in entries:
                    yield from page.get(entry, ())
        except ClientError as error:
            if code(error) not in GONE:
                raise

    def _note_asked(self, context: dict[str, Any], **_: Any) -> None:
        context[_ASKED] = self._now()

    def _note_clock(self, http_response: Any, context: dict[str, Any], **_: Any) -> None:
        self._clock_offset = clocks.offset_of_header(http_response.headers.get("date"), context[_ASKED], self._now())


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def _version(found: Mapping[str, Any]) -> dict[str, str]:
    return {"Key": found["Key"], "VersionId": found["VersionId"]}


def _retention(configuration: Mapping[str, Any]) -> Retention | None:
    """A retention in years is read as so many times 365 days, as S3 does."""
    default = configuration.get("Rule", {}).get("DefaultRetention", {})
    if default.get("Mode") not in ("COMPLIANCE", "GOVERNANCE"):
        return None
    return Retention(default["Mode"], default.get("Days") or 365 * (default.get("Years") or 0))
