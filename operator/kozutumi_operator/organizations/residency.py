"""Whether an organization's data lies where it was promised, by the store's own answer (ISO/IEC 27018 A.12.1)."""

from __future__ import annotations

from typing import Literal

from kozutumi_operator.errors import RegionMismatch, RegionUnknown
from kozutumi_operator.organizations.facts import Facts
from kozutumi_operator.organizations.reasons import Reason


def check(bucket: str, found: str | None, wanted: str) -> None:
    """Raise RegionMismatch or RegionUnknown unless the store says that `bucket` lies in region `wanted`."""
    if found is None:
        raise RegionUnknown(
            f"The object store does not say in which region bucket {bucket} is (GetBucketLocation); "
            "let it answer, or move the organization to a store that does."
        )
    if found != wanted:
        raise RegionMismatch(
            f"Bucket {bucket} is in region {found}, not in {wanted} as spec.residency.region says; "
            f"point KOZUTUMI_S3_ENDPOINT to a store in {wanted}, or move the bucket's content there."
        )


def judge(facts: Facts) -> tuple[Literal["True", "False", "Unknown"], Reason, str]:
    """Status, reason and message of DataResident."""
    failure = facts.storage_failure
    if isinstance(failure, RegionMismatch | RegionUnknown):
        return "False", failure.reason, str(failure)
    if facts.storage is None:
        return (
            "Unknown",
            Reason.STORAGE_PENDING,
            "The buckets' region is not known before they are made; see StorageReady.",
        )
    return "True", Reason.IN_REGION, f"Both buckets are in {facts.storage.region}, by the store's own answer."
