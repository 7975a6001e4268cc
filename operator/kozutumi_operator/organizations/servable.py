"""What the API server cannot check: whether this platform can serve a manifest."""

from __future__ import annotations

from kozutumi_operator.errors import SpecRefused
from kozutumi_operator.manifests import public_access
from kozutumi_operator.organizations.reasons import Reason
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.platform import PlatformSettings


def refuse_unservable(organization: Organization, platform: PlatformSettings) -> None:
    """Raise SpecRefused where the region is not offered, no client could ever connect, or plaintext could rest."""
    if organization.region not in platform.regions():
        raise SpecRefused(
            f"spec.residency.region {organization.region!r} is not offered here; "
            f"create the organization in one of: {', '.join(platform.regions())}.",
            because=Reason.REGION_NOT_ALLOWED,
        )
    if organization.temporary_storage == "Disk" and platform.disk_encryption != "declared":
        raise SpecRefused(
            "spec.scanner.temporaryStorage: Disk is for platforms that declare their disks encrypted "
            "(KOZUTUMI_DISK_ENCRYPTION); write Memory."
        )
    if not platform.image_egress_proxy and any(each.host for each in organization.extra_egress):
        raise SpecRefused(
            "spec.network.extraEgress: a host is reached through the egress proxy, and this platform has none "
            "(KOZUTUMI_IMAGE_EGRESS_PROXY); list address ranges instead."
        )
    for cidr in organization.allowed_cidrs:
        if not public_access.client_blocks([cidr], platform.cluster_ranges()):
            raise SpecRefused(
                f"spec.endpoint.allowedCIDRs: {cidr} lies inside the cluster's own addresses, which are never let in; "
                "remove it."
            )
