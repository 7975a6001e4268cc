"""S3 with an AWS-compatible IAM API: AWS, Ceph RGW, SeaweedFS, VersityGW."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from kozutumi_contract.secret import Secret
from kozutumi_operator.organizations.storage_credential import StorageCredential
from kozutumi_operator.storage.errors_of_boto import translated, unless_gone, unless_unknown
from kozutumi_operator.storage.ports import User
from kozutumi_operator.storage.s3_buckets import S3Buckets, client, tag_list

IAM_REGION: Final = "us-east-1"  # IAM is global: AWS signs it for us-east-1, and so do the compatible ones
ATTACHED: Final = "attached:"
GROUP: Final = "group:"


class S3Iam(S3Buckets):
    """Implements ports.ObjectStore."""

    def __init__(
        self,
        *,
        s3_endpoint: str,
        iam_endpoint: str,
        region: str,
        ca_file: str,
        credential: StorageCredential,
        now: Callable[[], datetime],
    ) -> None:
        super().__init__(s3_endpoint=s3_endpoint, region=region, ca_file=ca_file, credential=credential, now=now)
        self._iam: Any = client("iam", credential, endpoint=iam_endpoint, region=IAM_REGION, ca_file=ca_file)

    def find_user(self, name: str) -> User | None:
        with translated(f"look at IAM user {name}"):
            found = unless_gone(self._iam.get_user, UserName=name)
            if found is None:
                return None
            tags = self._iam.list_user_tags(UserName=name)["Tags"]
            policies = self._policies(name)
            keys = self._iam.list_access_keys(UserName=name)["AccessKeyMetadata"]
        active = {key["AccessKeyId"]: key.get("Status", "Active") == "Active" for key in keys}
        return User(
            arn=found["User"]["Arn"],
            tags={tag["Key"]: tag["Value"] for tag in tags},
            policies=policies,
            access_key_ids=tuple(key for key, works in active.items() if works),
            inactive_key_ids=tuple(key for key, works in active.items() if not works),
        )

    def _policies(self, name: str) -> dict[str, Mapping[str, Any]]:
        """Inline, attached and by membership: whatever widens what the user may do."""
        attached = unless_unknown(self._iam.list_attached_user_policies, UserName=name) or {}
        groups = unless_unknown(self._iam.list_groups_for_user, UserName=name) or {}
        inline = self._iam.list_user_policies(UserName=name)["PolicyNames"]
        return {
            **{each: self._iam.get_user_policy(UserName=name, PolicyName=each)["PolicyDocument"] for each in inline},
            **{ATTACHED + each["PolicyArn"]: {} for each in attached.get("AttachedPolicies", ())},
            **{GROUP + each["GroupName"]: {} for each in groups.get("Groups", ())},
        }

    def create_user(self, name: str, tags: Mapping[str, str]) -> str:
        with translated(f"create IAM user {name}"):
            return str(self._iam.create_user(UserName=name, Tags=tag_list(tags))["User"]["Arn"])

    def set_user_policy(self, user: str, name: str, policy: Mapping[str, Any]) -> None:
        with translated(f"set the policy of IAM user {user}"):
            self._iam.put_user_policy(UserName=user, PolicyName=name, PolicyDocument=json.dumps(policy))

    def remove_user_policy(self, user: str, name: str) -> None:
        with translated(f"remove policy {name} of IAM user {user}"):
            if name.startswith(ATTACHED):
                unless_gone(self._iam.detach_user_policy, UserName=user, PolicyArn=name.removeprefix(ATTACHED))
            elif name.startswith(GROUP):
                unless_gone(self._iam.remove_user_from_group, UserName=user, GroupName=name.removeprefix(GROUP))
            else:
                unless_gone(self._iam.delete_user_policy, UserName=user, PolicyName=name)

    def create_access_key(self, user: str) -> StorageCredential:
        with translated(f"create an access key of IAM user {user}"):
            key = self._iam.create_access_key(UserName=user)["AccessKey"]
        return StorageCredential(key["AccessKeyId"], Secret(key["SecretAccessKey"]))

    def remove_access_key(self, user: str, key_id: str) -> None:
        with translated(f"remove an access key of IAM user {user}"):
            unless_gone(self._iam.delete_access_key, UserName=user, AccessKeyId=key_id)

    def remove_user(self, name: str) -> None:
        with translated(f"remove IAM user {name}"):
            unless_gone(self._iam.delete_user, UserName=name)
