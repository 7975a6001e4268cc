from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from typing import Any

import pytest

from kozutumi_contract import keyring
from kozutumi_operator import errors
from kozutumi_operator.manifests import names
from kozutumi_operator.organizations import conditions, spec
from kozutumi_operator.organizations.decide import Apply, Wait
from kozutumi_operator.organizations.facts import Facts
from kozutumi_operator.organizations.reasons import ConditionType, Reason
from operator_builders import body
from organization_world import DOWN, GOOD, ISOLATED, LATER, NOW, available, tenant, without


def judged(
    facts: Facts, previous: list[dict[str, Any]] | None = None, now: datetime = NOW
) -> dict[str, tuple[str, str]]:
    return {
        each["type"]: (each["status"], each["reason"]) for each in conditions.conditions(facts, previous or [], now)
    }


def test_all_well() -> None:
    found = judged(GOOD)
    shown_at_times = {ConditionType.LEGAL_HOLD, ConditionType.CHANGE_PENDING, ConditionType.AUDIT_INTACT}
    assert list(found) == [kind for kind in ConditionType if kind not in shown_at_times]
    assert {kind for kind, (state, _) in found.items() if state == "True"} == set(found) - {
        ConditionType.RECONCILING,
        ConditionType.STALLED,
    }


CASES: list[tuple[str, Facts, ConditionType, str, Reason]] = [
    ("no namespace", without("kz-acme"), ConditionType.NAMESPACE_READY, "False", Reason.NAMESPACE_PENDING),
    (
        "policy drifted",
        dataclasses.replace(GOOD, remaining=[Apply({"kind": "NetworkPolicy"})]),
        ConditionType.NAMESPACE_READY,
        "False",
        Reason.NAMESPACE_PENDING,
    ),
    (
        "quota uncounted",
        dataclasses.replace(GOOD, remaining=[Wait(Reason.NAMESPACE_PENDING, "counting")]),
        ConditionType.NAMESPACE_READY,
        "False",
        Reason.NAMESPACE_PENDING,
    ),
    (
        "storage not asked",
        dataclasses.replace(GOOD, storage=None),
        ConditionType.STORAGE_READY,
        "False",
        Reason.STORAGE_PENDING,
    ),
    (
        "storage dead",
        dataclasses.replace(GOOD, storage_failure=errors.StorageUnavailable("no answer")),
        ConditionType.STORAGE_READY,
        "False",
        Reason.STORAGE_UNAVAILABLE,
    ),
    ("app cannot store", tenant(storage=DOWN), ConditionType.STORAGE_READY, "False", Reason.STORAGE_UNAVAILABLE),
    ("no key ring", without(keyring.SECRET_NAME), ConditionType.KEYS_READY, "False", Reason.KEY_RING_PENDING),
    (
        "no certificate",
        without(names.SCANNER_TLS),
        ConditionType.CERTIFICATE_READY,
        "False",
        Reason.CERTIFICATES_PENDING,
    ),
    (
        "not probed",
        dataclasses.replace(GOOD, isolation=None),
        ConditionType.NETWORK_ISOLATED,
        "Unknown",
        Reason.PROBE_PENDING,
    ),
    (
        "probe broke",
        dataclasses.replace(GOOD, isolation=None, isolation_failure=errors.ClusterUnavailable("no pod")),
        ConditionType.NETWORK_ISOLATED,
        "Unknown",
        Reason.PROBE_FAILED,
    ),
    (
        "nothing enforced",
        dataclasses.replace(GOOD, isolation=dataclasses.replace(ISOLATED, open_cells=("app -> internet",))),
        ConditionType.NETWORK_ISOLATED,
        "False",
        Reason.POLICY_NOT_ENFORCED,
    ),
    (
        "too much denied",
        dataclasses.replace(GOOD, isolation=dataclasses.replace(ISOLATED, blocked_cells=("app -> S3",))),
        ConditionType.NETWORK_ISOLATED,
        "False",
        Reason.ALLOWED_PATH_BLOCKED,
    ),
    ("old signatures", tenant(signature_age=300000), ConditionType.SCANNER_READY, "False", Reason.SIGNATURES_STALE),
    (
        "old signatures make the scanner ill",
        tenant(signature_age=300000, scanner=DOWN),
        ConditionType.SCANNER_READY,
        "False",
        Reason.SIGNATURES_STALE,
    ),
    ("clamd starting", tenant(scanner=DOWN), ConditionType.SCANNER_READY, "False", Reason.SCANNER_STARTING),
    (
        "no signatures",
        tenant(signature_version=None, signature_age=None),
        ConditionType.SCANNER_READY,
        "False",
        Reason.SIGNATURES_MISSING,
    ),
    (
        "self-test failed",
        tenant(self_test=False),
        ConditionType.SCANNER_READY,
        "False",
        Reason.SCANNER_UNAVAILABLE,
    ),
    ("age unknown", tenant(signature_age=None), ConditionType.SCANNER_READY, "False", Reason.SCANNER_UNAVAILABLE),
    (
        "clamd dead",
        available(tenant(scanner=DOWN), names.SCANNER),
        ConditionType.SCANNER_READY,
        "False",
        Reason.SCANNER_UNAVAILABLE,
    ),
    (
        "app silent",
        available(
            dataclasses.replace(GOOD, tenant=None, tenant_failure=errors.TenantUnavailable("time-out.")), names.APP
        ),
        ConditionType.APP_READY,
        "False",
        Reason.APP_UNAVAILABLE,
    ),
    ("app starting", dataclasses.replace(GOOD, tenant=None), ConditionType.APP_READY, "False", Reason.APP_STARTING),
    (
        "scanner unknown",
        dataclasses.replace(GOOD, tenant=None),
        ConditionType.SCANNER_READY,
        "Unknown",
        Reason.SCANNER_STARTING,
    ),
    (
        "no address",
        dataclasses.replace(GOOD, tenant=None, remaining=[Wait(Reason.ENDPOINT_PENDING, "port")]),
        ConditionType.APP_READY,
        "False",
        Reason.ENDPOINT_PENDING,
    ),
    ("database broken", tenant(database=DOWN), ConditionType.APP_READY, "False", Reason.DATABASE_UNAVAILABLE),
    ("relay down", tenant(mail=DOWN), ConditionType.APP_READY, "False", Reason.MAIL_UNAVAILABLE),
]


@pytest.mark.parametrize(
    ("facts", "kind", "state", "reason"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_one_thing_wrong(facts: Facts, kind: ConditionType, state: str, reason: Reason) -> None:
    found = judged(facts)
    assert found[kind] == (state, reason)
    assert found[ConditionType.READY][0] == "False"
    assert found[ConditionType.RECONCILING][0] == "True"
    assert found[ConditionType.STALLED] == ("False", Reason.NOT_STALLED)


def test_expired_certificate() -> None:
    found = judged(GOOD, now=NOW + timedelta(days=31))
    assert found[ConditionType.CERTIFICATE_READY] == ("False", Reason.CERTIFICATE_EXPIRED)


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (errors.NamespaceConflict("not ours"), Reason.NAMESPACE_CONFLICT),
        (errors.KeyRingLost("gone"), Reason.KEY_RING_LOST),
        (errors.ApplyRefused("no"), Reason.APPLY_REFUSED),
        (errors.SpecRefused("region", because=Reason.REGION_NOT_ALLOWED), Reason.REGION_NOT_ALLOWED),
    ],
)
def test_refusal_stalls(failure: errors.OperatorError, reason: Reason) -> None:
    found = judged(dataclasses.replace(GOOD, failure=failure))
    assert found[ConditionType.STALLED] == ("True", reason)
    assert found[ConditionType.READY] == ("False", reason)
    assert found[ConditionType.RECONCILING][0] == "False"


def test_refused_storage_stalls_and_dead_storage_does_not() -> None:
    refused = judged(dataclasses.replace(GOOD, storage_failure=errors.BucketConflict("not ours")))
    assert refused[ConditionType.STALLED] == ("True", Reason.BUCKET_CONFLICT)


def test_unreachable_api_server_keeps_it_reconciling() -> None:
    found = judged(dataclasses.replace(GOOD, failure=errors.ClusterUnavailable("no answer")))
    assert found[ConditionType.RECONCILING] == ("True", Reason.PROGRESSING)


def test_suspended() -> None:
    facts = dataclasses.replace(GOOD, organization=spec.parse(body(suspend=True)), tenant=None)
    found = judged(facts)
    assert found[ConditionType.READY] == found[ConditionType.APP_READY] == ("False", Reason.SUSPENDED)
    assert found[ConditionType.RECONCILING][0] == found[ConditionType.STALLED][0] == "False"


def test_disposal_keeps_the_last_word_on_parts_and_stalls_on_a_dead_store() -> None:
    raw = body()
    raw["metadata"]["deletionTimestamp"] = "2026-11-24T12:00:00Z"
    before = conditions.conditions(GOOD, [], NOW)
    facts = dataclasses.replace(GOOD, organization=spec.parse(raw), disposal_step="EmptyContentBucket")
    found = judged(facts, before)
    assert found[ConditionType.READY] == ("False", Reason.DISPOSING)
    assert found[ConditionType.KEYS_READY] == ("True", Reason.KEY_RING_PRESENT)
    dead = judged(dataclasses.replace(facts, failure=errors.StorageUnavailable("no answer")), before)
    assert dead[ConditionType.STALLED] == ("True", Reason.STORAGE_UNAVAILABLE)


def test_transition_time_moves_only_with_the_status() -> None:
    before = conditions.conditions(GOOD, [], NOW)
    after = conditions.conditions(tenant(mail=DOWN), before, LATER)
    moved = {each["type"] for each in after if each["lastTransitionTime"] == "2026-11-24T12:05:00Z"}
    assert moved == {ConditionType.READY, ConditionType.RECONCILING, ConditionType.APP_READY}
    assert {each["type"] for each in conditions.transitions(before, after)} == moved
    assert conditions.transitions(after, after) == []
    assert {each["observedGeneration"] for each in after} == {3}


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_no_message_changes_with_the_clock(case: tuple[str, Facts, ConditionType, str, Reason]) -> None:
    def messages(now: datetime) -> list[str]:
        return [each["message"] for each in conditions.conditions(case[1], [], now)]

    assert messages(NOW) == messages(LATER)
