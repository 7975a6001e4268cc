from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from kozutumi_operator.organizations import hosts
from kozutumi_operator.organizations.hosts import HostRegistry

DOMAIN = "kozutumi.test"


def claim(name: str, created: str | None, *named: str) -> dict[str, Any]:
    metadata = {"name": name} | ({"creationTimestamp": created} if created else {})
    return {"metadata": metadata, "spec": {"endpoint": {"hosts": list(named)}} if named else {}}


OLD = claim("old", "2026-01-01T00:00:00Z", "files.example.com", "a.example.com")
YOUNG = claim("young", "2026-02-01T00:00:00Z", "files.example.com", "b.example.com")
SAME = claim("zoe", "2026-01-01T00:00:00Z", "a.example.com")
UNDATED = claim("new", None, "b.example.com")


@pytest.mark.parametrize("order", list(permutations([OLD, YOUNG, SAME, UNDATED])))
def test_the_older_keeps_a_host_in_whatever_order_they_are_seen(order: tuple[dict[str, Any], ...]) -> None:
    registry = HostRegistry(DOMAIN)
    for each in order:
        registry.put(each)
    assert registry.lost("old") == {}
    assert registry.lost("young") == {"files.example.com": "old"}
    assert registry.lost("zoe") == {"a.example.com": "old"}
    assert registry.lost("new") == {"b.example.com": "young"}


def test_who_loses_is_looked_at_again_when_the_winner_lets_go() -> None:
    registry = HostRegistry(DOMAIN)
    registry.put(YOUNG)
    assert registry.put(OLD) == ["young"]
    assert registry.put(OLD) == []
    assert registry.put(claim("old", "2026-01-01T00:00:00Z", "a.example.com")) == ["young"]
    assert registry.lost("young") == {}
    registry.put(OLD)
    assert registry.drop("old") == ["young"]
    assert registry.drop("old") == []
    assert registry.lost("young") == {}


def test_a_host_under_the_platform_s_domain_is_kept_for_its_service_code() -> None:
    registry = HostRegistry(DOMAIN)
    registry.put(claim("squat", "2026-01-01T00:00:00Z", "later.kozutumi.test", "www.squat.kozutumi.test"))
    assert registry.lost("squat") == {"later.kozutumi.test": "later"}
    registry.put(claim("later", "2026-03-01T00:00:00Z"))
    assert registry.lost("later") == {}


def test_case_makes_no_second_host() -> None:
    registry = HostRegistry(DOMAIN)
    registry.put(OLD)
    registry.put(claim("young", "2026-02-01T00:00:00Z", "FILES.example.com"))
    assert registry.lost("young") == {"files.example.com": "old"}


def test_the_rest_is_served() -> None:
    kept = hosts.without(YOUNG, {"files.example.com": "old"})
    assert kept["spec"]["endpoint"]["hosts"] == ["b.example.com"]
    assert YOUNG["spec"]["endpoint"]["hosts"] == ["files.example.com", "b.example.com"]
    refusal = hosts.conflict({"files.example.com": "old"})
    assert "files.example.com belongs to organization old" in str(refusal)
