"""Names that must never change by accident, and service codes."""

from __future__ import annotations

import pytest

from kozutumi_contract import labels


@pytest.mark.parametrize("name", ["abc", "a-b", "acme-trading", "0a0", "a" * 30, "a--b"])
def test_a_service_code(name: str) -> None:
    assert labels.is_service_code(name)


@pytest.mark.parametrize(
    "name", ["", "a", "ab", "-ab", "ab-", "a_b", "A-b", "a.b", "a" * 31, "abc\n", "\nabc", "ａｂｃ", "abc "]
)
def test_no_service_code(name: str) -> None:
    assert not labels.is_service_code(name)


def test_what_belongs_to_one_organization_is_named_after_it() -> None:
    assert labels.namespace("acme") == "kz-acme"
    assert labels.content_bucket("kozutumi", "acme") == "kozutumi-acme"
    assert labels.archive_bucket("kozutumi", "acme") == "kozutumi-acme-archive"


def test_the_longest_names_still_fit() -> None:
    code = "a" * 30
    assert len(labels.namespace(code)) <= 63  # RFC 1123 label
    assert len(labels.archive_bucket("kozutumi-platform", code)) <= 63  # S3 bucket name


def test_every_object_says_whose_it_is_and_what() -> None:
    found = labels.object_labels("acme", "scanner")
    assert found["kozutumi.com/service-code"] == "acme"
    assert found["app.kubernetes.io/component"] == "scanner"
    assert found["app.kubernetes.io/managed-by"] == "kozutumi-operator"


def test_no_two_ports_are_the_same() -> None:
    ports = [labels.APP_PORT, labels.INTERNAL_PORT, labels.METRICS_PORT, labels.REPORTS_PORT, labels.SCANNER_PORT]
    assert ports == [8443, 9443, 9444, 9445, 3311]
