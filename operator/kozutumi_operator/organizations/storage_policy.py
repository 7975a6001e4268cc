"""IAM and bucket policies: a tenant's key does what the app needs, and nothing else (architecture.md §3).

Policy language: AWS IAM JSON policies, version 2012-10-17.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from kozutumi_operator.organizations.spec import DAY, Organization

CONTENT_ACTIONS: Final = ("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject")
ARCHIVE_ACTIONS: Final = ("s3:GetObject", "s3:PutObject")
LIST_ACTIONS: Final = ("s3:ListBucket",)
# The reconciler between database and bucket finds and ends what was begun in parts and left.
CONTENT_LIST_ACTIONS: Final = (*LIST_ACTIONS, "s3:ListBucketMultipartUploads")
PLAINTEXT: Final = {"Bool": {"aws:SecureTransport": ["false"]}}


def user_policy(content_bucket: str, archive_bucket: str) -> dict[str, Any]:
    """Identity policy of the tenant's IAM user."""
    return _policy(
        _allow("Content", CONTENT_ACTIONS, f"{_arn(content_bucket)}/*"),
        _allow("Archive", ARCHIVE_ACTIONS, f"{_arn(archive_bucket)}/*"),
        _allow("List", LIST_ACTIONS, _arn(archive_bucket)),
        _allow("ListContent", CONTENT_LIST_ACTIONS, _arn(content_bucket)),
    )


def content_bucket_policy(bucket: str, user_arn: str, *, tls_only: bool) -> dict[str, Any] | None:
    """`user_arn` "": bucket policies of this store name no users. None: there is nothing to say."""
    return _bucket_policy(bucket, user_arn, CONTENT_ACTIONS, CONTENT_LIST_ACTIONS, tls_only=tls_only)


def archive_bucket_policy(bucket: str, user_arn: str, *, tls_only: bool) -> dict[str, Any] | None:
    """No delete and no change of retention: what is sealed stays until its time is over."""
    return _bucket_policy(bucket, user_arn, ARCHIVE_ACTIONS, LIST_ACTIONS, tls_only=tls_only)


def archive_retention_days(organization: Organization) -> int:
    """Days for which an object of the archive is locked: audit heads and backups share the bucket, so the longer one."""
    longest = max(organization.audit_retention, organization.backup_retention or 0)
    return max(1, -(-longest // DAY))


def same(found: Mapping[str, Any] | None, wanted: Mapping[str, Any] | None) -> bool:
    """Equal as policies: a store may give back one action as a string, or a list in another order."""
    if found is None or wanted is None:
        return found is wanted
    return bool(_normal(found) == _normal(wanted))


def _normal(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _normal(each) for key, each in value.items()}
    if isinstance(value, list):
        items = sorted((_normal(each) for each in value), key=repr)
        return items[0] if len(items) == 1 and isinstance(items[0], str) else items
    return value


def _bucket_policy(
    bucket: str, user_arn: str, objects: Sequence[str], lists: Sequence[str], *, tls_only: bool
) -> dict[str, Any] | None:
    statements = []
    if user_arn:
        principal = {"Principal": {"AWS": [user_arn]}}
        statements += [
            _allow("Objects", objects, f"{_arn(bucket)}/*") | principal,
            _allow("List", lists, _arn(bucket)) | principal,
        ]
    if tls_only:
        statements.append(deny_plaintext(bucket) | {"Principal": {"AWS": ["*"]}})
    return _policy(*statements) if statements else None


def deny_plaintext(*buckets: str) -> dict[str, Any]:
    resources = [each for bucket in buckets for each in (_arn(bucket), f"{_arn(bucket)}/*")]
    return _allow("TlsOnly", ("s3:*",), *resources) | {"Effect": "Deny", "Condition": PLAINTEXT}


def _arn(bucket: str) -> str:
    return f"arn:aws:s3:::{bucket}"


def _allow(title: str, actions: Sequence[str], *resources: str) -> dict[str, Any]:
    return {"Sid": title, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def _policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}
