"""A wrong manifest is refused by the API server itself, in words that say what to change."""

from __future__ import annotations

from typing import Any

import pytest

from e2e_world import AOI, World
from kozutumi_cluster.demo import organizations
from kozutumi_cluster.errors import ClusterError

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a name that is not the service code": ({"serviceCode": "other-code"}, "serviceCode"),
    "no administrator": ({"administrators": []}, "administrators"),
    "an address that is none": ({"administrators": [{"email": "nobody"}]}, "email"),
    "a default expiry beyond the longest": (
        {"transfer": {"defaultExpiry": "720h", "maxExpiry": "24h"}},
        "defaultExpiry",
    ),
    "a file larger than a scanner can scan": ({"quota": {"storage": "9Gi", "maxFileSize": "5Gi"}}, "maxFileSize"),
    "a file larger than the quota": ({"quota": {"storage": "1Gi", "maxFileSize": "1536Mi"}}, "maxFileSize"),
    "an endpoint of no known type": ({"endpoint": {"type": "Telepathy"}}, "endpoint.type"),
    "a network that is none": ({"endpoint": {"type": "NodePort", "allowedCIDRs": ["everyone"]}}, "allowedCIDRs"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_manifest_is_refused_with_a_message(world: World, case: str) -> None:
    change, named = WRONG[case]
    with pytest.raises(ClusterError, match=named.replace(".", r"\.")):
        world.kubectl.apply(organizations.manifest("t-wrong", "誤り", "Wrong", **change))
    assert not world.kubectl.exists("organization", "t-wrong")


def test_the_service_code_and_the_region_never_change(world: World) -> None:
    changes: list[dict[str, Any]] = [{"serviceCode": "another"}, {"residency": {"region": "eu-central-1"}}]
    for spec in changes:
        with pytest.raises(ClusterError, match=next(iter(spec))):
            world.patch("organization", AOI, patch={"spec": spec})


def test_the_fields_explain_themselves(world: World) -> None:
    explained = world.kubectl("explain", "organization.spec.quota.maxFileSize")
    assert "bytes" in explained.lower() or "quantity" in explained.lower()
