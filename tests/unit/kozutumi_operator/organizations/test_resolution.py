from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from kozutumi_operator.organizations import unsupported
from kozutumi_operator.organizations.hosts import HostRegistry
from kozutumi_operator.organizations.reasons import Reason
from kozutumi_operator.organizations.resolution import Resolved, resolve
from operator_builders import body, organization, settings

OPERATOR = Path(unsupported.__file__).parents[1]


def resolved(manifest: dict[str, Any], *known: dict[str, Any]) -> Resolved:
    registry = HostRegistry("kozutumi.test")
    registry.put({"metadata": {"name": "old", "creationTimestamp": "2026-01-01T00:00:00Z"}, "spec": TAKEN})
    registry.put(manifest)
    return resolve(manifest, {each["metadata"]["name"]: each for each in known}, registry, settings())


TAKEN = {"endpoint": {"hosts": ["files.example.com"]}}
SMALL = {
    "metadata": {"name": "small"},
    "spec": {"default": True, "defaults": {"quota": {"users": 7}}, "ceilings": {"quota": {"users": 10}}},
}

REFUSED: dict[str, tuple[dict[str, Any], Reason]] = {
    "no such plan": ({"planRef": {"name": "gone"}}, Reason.PLAN_NOT_FOUND),
    "above the ceiling": ({"quota": {"users": 11}}, Reason.PLAN_CEILING_EXCEEDED),
    "not in this release": ({"authentication": {"mfa": "Everyone"}}, Reason.SPEC_INVALID),
    "not offered here": ({"residency": {"region": "eu-central-1"}}, Reason.REGION_NOT_ALLOWED),
    "plaintext on a disk": ({"scanner": {"temporaryStorage": "Disk"}}, Reason.SPEC_INVALID),
    "unreadable": ({"quota": {"storage": "lots"}}, Reason.SPEC_INVALID),
}


@pytest.mark.parametrize("case", REFUSED)
def test_of_what_is_refused_nothing_is_put_in_place(case: str) -> None:
    fields, because = REFUSED[case]
    found = resolved(body(**fields), SMALL)
    assert found.body is None
    assert found.refusal is not None
    assert found.refusal.because is because
    assert found.organization.name == "acme"


def test_an_unreadable_manifest_still_says_how_it_may_end() -> None:
    fields = {"quota": {"storage": "lots"}, "legalHold": {"reason": "Case 1"}, "deletionPolicy": "Retain"}
    found = resolved(body(**fields, retainFor="2h")).organization
    assert (found.legal_hold, found.deletion_policy, found.retain_for) == ("Case 1", "Retain", 7200)


def test_the_plan_is_part_of_what_is_put_in_place() -> None:
    found = resolved(body(), SMALL)
    assert found.refusal is None
    assert (found.organization.quota_users, found.organization.plan) == (7, "small")


def test_a_lost_host_is_told_and_the_rest_is_put_in_place() -> None:
    found = resolved(body(endpoint={"hosts": ["files.example.com", "b.example.com"]}), SMALL)
    assert found.refusal is not None
    assert found.refusal.because is Reason.HOST_CONFLICT
    assert found.organization.hosts == ("b.example.com",)
    assert found.body is not None


ASKED: dict[str, dict[str, Any]] = {
    "scanner.scaleToZeroAfter": {"scanner": {"scaleToZeroAfter": "2h"}},
    "authentication.mfa": {"authentication": {"mfa": "Everyone"}},
    "authentication.password.minimumLength": {"authentication": {"password": {"minimumLength": 16}}},
    "authentication.oidc": {
        "authentication": {"oidc": {"issuer": "https://a.example", "clientId": "k", "secretRef": {"name": "oidc"}}}
    },
    "authentication.scim.enabled": {"authentication": {"scim": {"enabled": True}}},
    "database.type": {"database": {"type": "PostgreSQL", "secretRef": {"name": "database"}}},
    "backup.schedule": {"backup": {"schedule": "0 3 * * *"}},
}


@pytest.mark.parametrize("entry", unsupported.UNSUPPORTED, ids=lambda entry: str(entry.field))
def test_what_cannot_be_done_is_refused_and_nobody_does_it(entry: unsupported.Unsupported) -> None:
    assert not entry.asked(organization())
    refusal = resolved(body(**ASKED[entry.field])).refusal
    assert refusal is not None
    assert f"spec.{entry.field}" in str(refusal)
    assert entry.write in str(refusal)
    defining = {"spec.py", "unsupported.py"}
    readers = [
        path.name
        for path in OPERATOR.rglob("*.py")
        if path.name not in defining and re.search(rf"organization\.{entry.attribute}\b", path.read_text())
    ]
    assert not readers, "it is built: take the entry away"
