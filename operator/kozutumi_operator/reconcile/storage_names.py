"""What an organization's buckets and IAM user are called, and how they are known to be its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from kozutumi_contract import labels
from kozutumi_operator.errors import BucketConflict
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.platform import PlatformSettings

CODE_TAG: Final = "service-code"
UID_TAG: Final = "organization-uid"


@dataclass(frozen=True, slots=True)
class Names:
    content: str
    archive: str
    user: str


def names_of(service_code: str, platform: PlatformSettings) -> Names:
    content = labels.content_bucket(platform.bucket_prefix, service_code)
    return Names(content, labels.archive_bucket(platform.bucket_prefix, service_code), user=content)


def tags_of(organization: Organization) -> dict[str, str]:
    return tags(organization.name, organization.uid)


def tags(service_code: str, uid: str) -> dict[str, str]:
    return {CODE_TAG: service_code, UID_TAG: uid}


def is_ours(found: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(found.get(key) == value for key, value in wanted.items())


def refuse_foreign(what: str, found: Mapping[str, str], wanted: Mapping[str, str]) -> None:
    """Raise BucketConflict unless `found` are this very organization's tags."""
    if not is_ours(found, wanted):
        owner = found.get(CODE_TAG)
        whose = f"belongs to an earlier organization {owner}" if owner else "was not made by Kozutumi"
        raise BucketConflict(f"{what} {whose}; it is not adopted. Remove it, or choose another service code.")
