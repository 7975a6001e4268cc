from __future__ import annotations

import pytest

from kozutumi_operator.platform import Destination, PlatformError, destination, from_environment
from operator_builders import ENVIRONMENT, settings


def test_cluster_ranges_are_pods_services_and_nodes() -> None:
    read = settings(KOZUTUMI_NODE_CIDRS="192.0.2.10/32, 192.0.2.11/32")
    assert read.cluster_ranges() == ("10.244.0.0/16", "10.96.0.0/16", "192.0.2.10/32", "192.0.2.11/32")


def test_the_store_s_own_region_is_allowed_where_none_is_listed() -> None:
    assert settings().regions() == ("ap-northeast-1",)
    assert settings(KOZUTUMI_ALLOWED_REGIONS="a,b").regions() == ("a", "b")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("namespace=storage,b=2,a=1", Destination("storage", (("a", "1"), ("b", "2")))),
        ("namespace=storage", Destination("storage")),
        ("cidr=203.0.113.0/24,cidr=198.51.100.7/32", Destination(cidrs=("203.0.113.0/24", "198.51.100.7/32"))),
    ],
)
def test_selector(text: str, read: Destination) -> None:
    assert destination(text) == read


@pytest.mark.parametrize("text", ["storage", "a=1", "namespace=x,cidr=203.0.113.0/24", "cidr=everywhere", "cidr="])
def test_selector_that_says_nothing_clear_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"=|network"):
        destination(text)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("KOZUTUMI_DOMAIN", ""),
        ("KOZUTUMI_S3_PORT", "https"),
        ("KOZUTUMI_STORAGE_SELECTOR", "everything"),
        ("KOZUTUMI_SMTP_TLS", "off"),
        ("KOZUTUMI_BOUNCE_ADDRESS", "undelivered@mail.example"),
        ("KOZUTUMI_POD_CIDR", "10.244.0.1/16"),
        ("KOZUTUMI_NODE_CIDRS", "node-1"),
    ],
)
def test_error_names_the_variable(variable: str, value: str) -> None:
    with pytest.raises(PlatformError, match=variable):
        from_environment(ENVIRONMENT | {variable: value})


def test_a_monitoring_namespace_may_be_none() -> None:
    assert settings().monitoring_namespace == "kozutumi-monitoring"
    assert settings(KOZUTUMI_MONITORING_NAMESPACE="").monitoring_namespace == ""
    assert settings(KOZUTUMI_BUCKET_PREFIX="").bucket_prefix == "kozutumi"
