from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from kozutumi_operator.errors import SpecRefused
from kozutumi_operator.organizations import desired, servable, spec
from kozutumi_operator.organizations.materials import Materials
from kozutumi_operator.organizations.reasons import Reason
from operator_builders import body, organization, settings


def test_defaults_are_those_of_the_definition() -> None:
    read = organization()
    assert (read.quota_storage, read.max_file_size) == (10 * 2**30, 2**31 - 1)
    assert (read.default_expiry, read.max_expiry) == (7 * 86400, 30 * 86400)
    assert (read.maximum_signature_age, read.temporary_storage) == (72 * 3600, "Memory")
    assert not read.suspend
    assert not read.deleting


def test_resources_replace_one_figure_at_a_time() -> None:
    read = organization(app={"resources": {"requests": {"cpu": "250m"}}})
    assert read.app_resources.cpu_request == Decimal("0.25")
    assert read.app_resources.memory_limit == 256 * 2**20


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"serviceCode": "other"}, "service code"),
        ({"quota": {"storage": "lots"}}, "spec.quota.storage"),
        ({"transfer": {"maxExpiry": "3 days"}}, "spec.transfer.maxExpiry"),
        ({"app": {"resources": {"limits": {"memory": "-1"}}}}, "spec.app.resources.limits.memory"),
    ],
)
def test_refusal_names_the_field(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(SpecRefused, match=named):
        spec.parse(body(**fields))


def test_region_that_the_platform_does_not_offer_is_refused() -> None:
    with pytest.raises(SpecRefused, match="ap-northeast-1") as refusal:
        servable.refuse_unservable(organization(residency={"region": "eu-central-1"}), settings())
    assert refusal.value.because is Reason.REGION_NOT_ALLOWED


def test_clients_inside_the_cluster_are_refused_before_anything_is_rendered() -> None:
    greedy = organization(endpoint={"allowedCIDRs": ["10.244.3.0/24"]})
    with pytest.raises(SpecRefused, match=r"10\.244\.3\.0/24"):
        desired.render(greedy, settings(), Materials(secrets={}, platform_ca="", mirror_public_key=""))
