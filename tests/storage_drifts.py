"""What somebody with the store's root key could do to an organization's storage, one function each."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from kozutumi_operator.reconcile.storage_names import Names

Drift = Callable[[Any, Any, Names], None]
EVERYTHING: Final = {"Sid": "All", "Effect": "Allow", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::*"]}


def open_content_to_everybody(s3: Any, _iam: Any, names: Names) -> None:
    _open(s3, names.content)


def open_archive_to_everybody(s3: Any, _iam: Any, names: Names) -> None:
    _open(s3, names.archive)


def delete_content_policy(s3: Any, _iam: Any, names: Names) -> None:
    s3.delete_bucket_policy(Bucket=names.content)


def version_content(s3: Any, _iam: Any, names: Names) -> None:
    """Something is deleted while versioning is on: it must not stay. Done again where that was put back meanwhile."""
    while True:
        s3.put_bucket_versioning(Bucket=names.content, VersioningConfiguration={"Status": "Enabled"})
        s3.put_object(Bucket=names.content, Key="deleted by its owner", Body=b"sealed")
        s3.delete_object(Bucket=names.content, Key="deleted by its owner")
        if s3.get_bucket_versioning(Bucket=names.content).get("Status") == "Enabled":
            return


def shorten_archive_lock(s3: Any, _iam: Any, names: Names) -> None:
    _lock(s3, names.archive, {"Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}})


def weaken_archive_lock(s3: Any, _iam: Any, names: Names) -> None:
    _lock(s3, names.archive, {"Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 365}}})


def lift_archive_lock(s3: Any, _iam: Any, names: Names) -> None:
    _lock(s3, names.archive, {})


def widen_user_policy(_s3: Any, iam: Any, names: Names) -> None:
    policy = {"Version": "2012-10-17", "Statement": [EVERYTHING]}
    iam.put_user_policy(UserName=names.user, PolicyName="tenant", PolicyDocument=json.dumps(policy))


def add_user_policy(_s3: Any, iam: Any, names: Names) -> None:
    policy = {"Version": "2012-10-17", "Statement": [EVERYTHING]}
    iam.put_user_policy(UserName=names.user, PolicyName="more", PolicyDocument=json.dumps(policy))


def add_access_key(_s3: Any, iam: Any, names: Names) -> None:
    iam.create_access_key(UserName=names.user)


def switch_access_key_off(_s3: Any, iam: Any, names: Names) -> None:
    """The organization gets another one: it cannot be told why this one was switched off."""
    [key] = iam.list_access_keys(UserName=names.user)["AccessKeyMetadata"]
    iam.update_access_key(UserName=names.user, AccessKeyId=key["AccessKeyId"], Status="Inactive")


# Of the buckets, for every store; of the users, for a store with AWS' IAM API.
BUCKET_DRIFTS: Final[Mapping[str, Drift]] = {
    "content bucket opened to everybody": open_content_to_everybody,
    "archive bucket opened to everybody": open_archive_to_everybody,
    "content bucket's policy deleted": delete_content_policy,
    "content bucket's versioning switched on": version_content,
    "archive's lock shortened": shorten_archive_lock,
    "archive's lock weakened": weaken_archive_lock,
    "archive's lock lifted": lift_archive_lock,
}
USER_DRIFTS: Final[Mapping[str, Drift]] = {
    "IAM policy widened": widen_user_policy,
    "IAM policy added": add_user_policy,
    "second access key made": add_access_key,
}
DRIFTS: Final[Mapping[str, Drift]] = {**BUCKET_DRIFTS, **USER_DRIFTS}


def _open(s3: Any, bucket: str) -> None:
    resources = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    statement = {"Sid": "Open", "Effect": "Allow", "Principal": "*", "Action": ["s3:*"], "Resource": resources}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


def _lock(s3: Any, bucket: str, rule: dict[str, Any]) -> None:
    s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", **rule})
