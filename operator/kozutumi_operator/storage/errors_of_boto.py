"""Errors of boto3 as the operator's own. The messages carry the store's error code and never a key."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Final, cast

from botocore.exceptions import BotoCoreError, ClientError

from kozutumi_operator.errors import StorageRefused, StorageUnavailable

GONE: Final = frozenset(
    {"NoSuchBucket", "NoSuchEntity", "NoSuchTagSet", "NoSuchBucketPolicy", "ObjectLockConfigurationNotFoundError"}
)
UNKNOWN: Final = frozenset({"NotImplemented", "MethodNotAllowed", "InvalidAction", "XNotImplemented"})
REFUSED_POLICY: Final = frozenset({"MalformedPolicy", "InvalidArgument", "InvalidRequest", *UNKNOWN})


def code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def unless_gone(call: Any, **arguments: Any) -> dict[str, Any] | None:
    """The answer, or None where what was asked for does not exist."""
    try:
        return cast("dict[str, Any]", call(**arguments))
    except ClientError as error:
        # HEAD answers have no body, so botocore can only give the status as the code.
        if code(error) in GONE or (call.__name__ == "head_bucket" and code(error) == "404"):
            return None
        raise


def unless_unknown(call: Any, **arguments: Any) -> dict[str, Any] | None:
    """The answer, or None where the store has no such call."""
    try:
        return cast("dict[str, Any]", call(**arguments))
    except ClientError as error:
        if code(error) in UNKNOWN:
            return None
        raise


@contextlib.contextmanager
def translated(what: str) -> Iterator[None]:
    """Raise StorageUnavailable (try again) or StorageRefused for what boto3 raises."""
    try:
        yield
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
        said = f"could not {what}: {code(error)} {error.response.get('Error', {}).get('Message', '')}".strip()
        if status >= 500 or status == 429 or code(error) == "OperationAborted":
            raise StorageUnavailable(f"{said}; it is tried again") from error
        raise StorageRefused(f"{said}; check the operator's storage credential and the store's log") from error
    except BotoCoreError as error:
        raise StorageUnavailable(
            f"could not {what}: {type(error).__name__}; check that the store at its endpoint answers"
        ) from error
