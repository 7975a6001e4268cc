"""MinIO: buckets over S3, users and access keys over its admin API (v3), which is not AWS'.

What is an IAM user elsewhere is a MinIO user whose own secret nobody keeps; its access keys are service accounts.
MinIO users carry no tags, so a policy that is attached to nobody, `<user>.owner`, says whose the user is.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

import urllib3
from minio.credentials.providers import StaticProvider
from minio.crypto import decrypt, encrypt
from minio.error import MinioAdminException
from minio.minioadmin import _COMMAND, MinioAdmin

from kozutumi_contract.secret import Secret
from kozutumi_operator.errors import StorageRefused, StorageUnavailable
from kozutumi_operator.organizations import storage_policy
from kozutumi_operator.organizations.storage_credential import StorageCredential
from kozutumi_operator.storage.ports import User
from kozutumi_operator.storage.s3_buckets import S3Buckets

GROUP: Final = "group:"
OWNER: Final = "owner"
# A MinIO user may make access keys and change its secret unless it is denied that; nor does a bucket policy
# bind one who has signed in, so plaintext is denied here.
GUARDS: Final = (
    {"Sid": "NoAdministration", "Effect": "Deny", "Action": ["admin:*"]},
    {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Action": ["s3:*"],
        "Resource": ["arn:aws:s3:::*"],
        "Condition": storage_policy.PLAINTEXT,
    },
)
_GONE: Final = ("XMinioAdminNoSuchUser", "XMinioAdminNoSuchPolicy", "XMinioAdminServiceAccountNotFound")
_UNCHANGED: Final = ("XMinioAdminPolicyChangeAlreadyApplied", "XMinioAdminNoSuchPolicy", "XMinioAdminNoSuchUser")
_TIMEOUT: Final = urllib3.Timeout(connect=5, read=20)


class _Admin(MinioAdmin):
    """The library cannot make a service account of another user, which the API can."""

    def add_service_account_of(self, user: str) -> dict[str, str]:
        secret = self._provider.retrieve().secret_key
        body = encrypt(json.dumps({"targetUser": user}).encode(), secret)
        answer = self._url_open(method="PUT", command=_COMMAND.SERVICE_ACCOUNT_ADD, body=body, preload_content=False)
        made: dict[str, str] = json.loads(decrypt(answer, secret))["credentials"]
        return made


class MinioStore(S3Buckets):
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
        endpoint = urlsplit(iam_endpoint)
        if endpoint.scheme != "https":
            raise ValueError("KOZUTUMI_IAM_ENDPOINT must begin with https://")
        retries = urllib3.Retry(total=1, status_forcelist=(502, 503, 504), allowed_methods=None)
        self._admin = _Admin(
            endpoint=endpoint.netloc,
            credentials=StaticProvider(credential.access_key_id, credential.secret_access_key.reveal()),
            region=region,
            http_client=urllib3.PoolManager(
                ca_certs=ca_file, cert_reqs="CERT_REQUIRED", timeout=_TIMEOUT, retries=retries, maxsize=16
            ),
        )

    def find_user(self, name: str) -> User | None:
        with _translated(f"look at user {name}"):
            try:
                found = json.loads(self._admin.user_info(name))
            except MinioAdminException as error:
                if _code(error) in _GONE:
                    return None
                raise
            owner = self._policy(_own(name, OWNER)) or {}
            attached = [each for each in found.get("policyName", "").split(",") if each]
            enabled = found.get("status", "enabled") == "enabled"
            policies = {_short(name, each): self._judged(each, enabled=enabled) for each in attached}
            accounts = json.loads(self._admin.list_service_account(name)).get("accounts") or []
        active = {each["accessKey"]: each.get("accountStatus", "on") == "on" for each in accounts}
        return User(
            arn="",
            tags=_tags(owner),
            policies={**policies, **{GROUP + group: {} for group in found.get("memberOf") or ()}},
            access_key_ids=tuple(key for key, works in active.items() if works),
            inactive_key_ids=tuple(key for key, works in active.items() if not works),
        )

    def create_user(self, name: str, tags: Mapping[str, str]) -> str:
        # Whose it is comes first: a user without that is never adopted.
        with _translated(f"create user {name}"):
            self._admin.policy_add(_own(name, OWNER), policy=_owner_policy(name, tags))
            self._admin.user_add(name, secrets.token_urlsafe(30))
        return ""

    def set_user_policy(self, user: str, name: str, policy: Mapping[str, Any]) -> None:
        guarded = {**policy, "Statement": [*policy.get("Statement", ()), *GUARDS]}
        with _translated(f"set the policy of user {user}"):
            self._admin.policy_add(_own(user, name), policy=guarded)
            with _unless(_UNCHANGED):
                self._admin.attach_policy([_own(user, name)], user=user)
            self._admin.user_enable(user)

    def remove_user_policy(self, user: str, name: str) -> None:
        with _translated(f"remove policy {name} of user {user}"):
            if name.startswith(GROUP):
                self._admin.group_remove(name.removeprefix(GROUP), [user])  # type: ignore[arg-type]  # the API takes a list
                return
            own = _long(user, name)
            with _unless(_UNCHANGED):
                self._admin.detach_policy([own], user=user)
            if own.startswith(f"{user}.") and name != OWNER:
                with _unless(_GONE):
                    self._admin.policy_remove(own)

    def create_access_key(self, user: str) -> StorageCredential:
        with _translated(f"create an access key of user {user}"):
            made = self._admin.add_service_account_of(user)
        return StorageCredential(made["accessKey"], Secret(made["secretKey"]))

    def remove_access_key(self, user: str, key_id: str) -> None:
        with _translated(f"remove an access key of user {user}"), _unless(_GONE):
            self._admin.delete_service_account(key_id)

    def remove_user(self, name: str) -> None:
        with _translated(f"remove user {name}"):
            with _unless(_GONE):
                self._admin.user_remove(name)
            with _unless(_GONE):
                self._admin.policy_remove(_own(name, OWNER))

    def _judged(self, policy: str, *, enabled: bool) -> dict[str, Any]:
        """The policy without our guards; nothing at all where they were taken out or the user was switched off."""
        found = self._policy(policy) or {}
        statements = found.get("Statement") or []
        plain = [each for each in statements if not _is_guard(each)]
        if not enabled or len(statements) - len(plain) != len(GUARDS):
            return {}
        return {**found, "Statement": plain}

    def _policy(self, name: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads(self._admin.policy_info(name))
        except MinioAdminException as error:
            if _code(error) in _GONE:
                return None
            raise
        return found


def _own(user: str, policy: str) -> str:
    return f"{user}.{policy}"


def _short(user: str, policy: str) -> str:
    """The name under which User.policies lists it: without the user's prefix, or with "/" for one of others."""
    own = _own(user, "")
    return policy.removeprefix(own) if policy.startswith(own) else f"/{policy}"


def _long(user: str, name: str) -> str:
    return name.removeprefix("/") if name.startswith("/") else _own(user, name)


def _owner_policy(user: str, tags: Mapping[str, str]) -> dict[str, Any]:
    nothing = {"Effect": "Deny", "Action": ["s3:PutBucketPolicy"], "Resource": [f"arn:aws:s3:::{_own(user, OWNER)}"]}
    statements = [{"Sid": f"{key}={value}", **nothing} for key, value in sorted(tags.items())]
    return {"Version": "2012-10-17", "Statement": statements}


def _tags(owner: Mapping[str, Any]) -> dict[str, str]:
    pairs = (str(each.get("Sid", "")).partition("=") for each in owner.get("Statement", ()))
    return {key: value for key, equals, value in pairs if equals}


def _is_guard(statement: Mapping[str, Any]) -> bool:
    return any(storage_policy.same(statement, guard) for guard in GUARDS)


def _code(error: MinioAdminException) -> str:
    """MinIO's error code; the exception has it in its text alone."""
    status, _, body = str(error).removeprefix("admin request failed; Status: ").partition(", Body: ")
    try:
        return str(json.loads(body)["Code"])
    except (ValueError, KeyError, TypeError):
        return status


def _status(error: MinioAdminException) -> int:
    status = str(error).removeprefix("admin request failed; Status: ").partition(",")[0]
    return int(status) if status.isdecimal() else 500


@contextmanager
def _unless(codes: tuple[str, ...]) -> Iterator[None]:
    """What has one of these codes says that it is so already."""
    try:
        yield
    except MinioAdminException as error:
        if _code(error) not in codes:
            raise


@contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except MinioAdminException as error:
        said = f"could not {what}: {_code(error)}"
        if _status(error) >= 500 or _status(error) == 429:
            raise StorageUnavailable(f"{said}; it is tried again") from error
        raise StorageRefused(f"{said}; check the operator's storage credential and the store's log") from error
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise StorageUnavailable(
            f"could not {what}: {type(error).__name__}; check that the store at its endpoint answers"
        ) from error
