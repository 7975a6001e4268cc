"""Who may do what in the buckets, worked out as an S3 server would."""

from __future__ import annotations

from typing import Any

import pytest

from kozutumi_operator.organizations import storage_policy

CONTENT, ARCHIVE = "kozutumi-acme", "kozutumi-acme-archive"
USER = storage_policy.user_policy(CONTENT, ARCHIVE)
ALLOWED = {
    ("s3:GetObject", f"{CONTENT}/file/segment"),
    ("s3:PutObject", f"{CONTENT}/file/segment"),
    ("s3:DeleteObject", f"{CONTENT}/file/segment"),
    ("s3:AbortMultipartUpload", f"{CONTENT}/file/segment"),
    ("s3:ListBucket", CONTENT),
    ("s3:ListBucketMultipartUploads", CONTENT),
    ("s3:GetObject", f"{ARCHIVE}/head"),
    ("s3:PutObject", f"{ARCHIVE}/head"),
    ("s3:ListBucket", ARCHIVE),
}
ACTIONS = [
    *sorted({action for action, _ in ALLOWED}),
    "s3:DeleteObjectVersion",
    "s3:PutBucketPolicy",
    "s3:PutObjectRetention",
    "s3:BypassGovernanceRetention",
    "s3:DeleteBucket",
    "s3:ListAllMyBuckets",
    "iam:CreateAccessKey",
]
RESOURCES = [CONTENT, f"{CONTENT}/file/segment", ARCHIVE, f"{ARCHIVE}/head", "kozutumi-beta", "kozutumi-beta/file/key"]


@pytest.mark.parametrize("resource", RESOURCES)
@pytest.mark.parametrize("action", ACTIONS)
def test_user_may_do_what_the_app_needs_and_nothing_else(action: str, resource: str) -> None:
    assert allows(USER, action, resource) is ((action, resource) in ALLOWED)


@pytest.mark.parametrize("action", ACTIONS)
def test_bucket_policies_say_the_same_for_that_one_user(action: str) -> None:
    content = storage_policy.content_bucket_policy(CONTENT, "arn:user", tls_only=False)
    archive = storage_policy.archive_bucket_policy(ARCHIVE, "arn:user", tls_only=False)
    assert content is not None
    assert archive is not None
    for resource in RESOURCES:
        in_content = resource.split("/")[0] == CONTENT and (action, resource) in ALLOWED
        in_archive = resource.split("/")[0] == ARCHIVE and (action, resource) in ALLOWED
        assert allows(content, action, resource) is in_content
        assert allows(archive, action, resource) is in_archive
    principals = [each["Principal"] for each in (*content["Statement"], *archive["Statement"])]
    assert principals == [{"AWS": ["arn:user"]}] * 4


def test_plaintext_is_denied_to_everybody_for_everything() -> None:
    policy = storage_policy.content_bucket_policy(CONTENT, "arn:user", tls_only=True)
    assert policy is not None
    [denial] = [each for each in policy["Statement"] if each["Effect"] == "Deny"]
    assert denial["Principal"] == {"AWS": ["*"]}
    assert denial["Action"] == ["s3:*"]
    assert denial["Condition"] == {"Bool": {"aws:SecureTransport": ["false"]}}
    assert all(any(covers(one, each) for one in denial["Resource"]) for each in (CONTENT, f"{CONTENT}/file/segment"))


def test_where_bucket_policies_name_no_users_they_only_deny() -> None:
    assert storage_policy.archive_bucket_policy(ARCHIVE, "", tls_only=False) is None
    policy = storage_policy.archive_bucket_policy(ARCHIVE, "", tls_only=True)
    assert policy is not None
    assert [each["Effect"] for each in policy["Statement"]] == ["Deny"]


def test_policies_are_compared_by_meaning() -> None:
    same = storage_policy.same
    assert same({"Action": "s3:GetObject"}, {"Action": ["s3:GetObject"]})
    assert same({"Action": ["b", "a"]}, {"Action": ["a", "b"]})
    assert same(None, None)
    assert not same({"Action": ["a", "b"]}, {"Action": ["a"]})
    assert not same(None, {})


def allows(policy: dict[str, Any], action: str, resource: str) -> bool:
    return any(
        each["Effect"] == "Allow"
        and action in each["Action"]
        and any(covers(one, resource) for one in each["Resource"])
        for each in policy["Statement"]
    )


def covers(pattern: str, resource: str) -> bool:
    name = pattern.removeprefix("arn:aws:s3:::")
    return resource.startswith(name[:-1]) if name.endswith("/*") else resource == name
