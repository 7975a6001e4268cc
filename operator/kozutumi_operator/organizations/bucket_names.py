"""An organization's buckets keep their names: a platform whose prefix changed must not make empty ones beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kozutumi_contract import labels
from kozutumi_operator.errors import StorageRefused

RECORDED: Final = ("bucket/", "iam-user/")  # entries of status.inventory that tell names in the store


def refuse_renamed(service_code: str, prefix: str, status: Mapping[str, Any]) -> None:
    """Raise StorageRefused where status.inventory records buckets of other names than `prefix` gives."""
    recorded = {each.removeprefix("bucket/") for each in status.get("inventory") or () if each.startswith("bucket/")}
    wanted = {labels.content_bucket(prefix, service_code), labels.archive_bucket(prefix, service_code)}
    if strange := sorted(recorded - wanted):
        raise StorageRefused(
            f"KOZUTUMI_BUCKET_PREFIX is {prefix!r}, but this organization's data is in bucket {strange[0]}; "
            "set the prefix back to what it was when the organization was made."
        )


def kept(status: Mapping[str, Any]) -> set[str]:
    """What the inventory recorded of the store, to be kept while nothing newer is known."""
    return {each for each in status.get("inventory") or () if each.startswith(RECORDED)}
