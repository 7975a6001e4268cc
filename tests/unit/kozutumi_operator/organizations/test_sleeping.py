from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from kozutumi_operator.manifests import deployment_scanner, names
from kozutumi_operator.organizations import conditions, desired, sleeping
from kozutumi_operator.organizations.facts import Health, TenantStatus
from kozutumi_operator.organizations.reasons import ConditionType, Reason
from kozutumi_operator.organizations.sleeping import WAKING_LIMIT, Rest
from operator_builders import fixed_materials, live, organization, settings
from organization_world import DOWN, GOOD, NOW, TENANT

AFTER = 600


def told(*, waiting: bool | None = False, idle: int | None = 0, scanner: Health | None = None) -> TenantStatus:
    return dataclasses.replace(TENANT, scan_waiting=waiting, scan_idle=idle, scanner=scanner or TENANT.scanner)


CASES: list[tuple[str, Rest, TenantStatus | None, Rest]] = [
    ("busy", Rest.AWAKE, told(waiting=True, idle=0), Rest.AWAKE),
    ("idle, not for long", Rest.AWAKE, told(idle=AFTER - 1), Rest.AWAKE),
    ("idle for long", Rest.AWAKE, told(idle=AFTER), Rest.ASLEEP),
    ("idle and broken: somebody must see it", Rest.AWAKE, told(idle=AFTER, scanner=DOWN), Rest.AWAKE),
    ("sleeps on, though nothing answers there", Rest.ASLEEP, told(idle=AFTER, scanner=DOWN), Rest.ASLEEP),
    ("a file waits", Rest.ASLEEP, told(waiting=True, idle=AFTER, scanner=DOWN), Rest.WAKING),
    ("still starting", Rest.WAKING, told(waiting=True, scanner=DOWN), Rest.WAKING),
    ("started", Rest.WAKING, told(waiting=True), Rest.AWAKE),
    ("the file was cancelled meanwhile", Rest.WAKING, told(idle=AFTER, scanner=DOWN), Rest.WAKING),
    ("the app is away while it sleeps", Rest.ASLEEP, None, Rest.ASLEEP),
    ("the app is away", Rest.AWAKE, None, Rest.AWAKE),
    ("an app that does not tell", Rest.AWAKE, told(waiting=None, idle=None), Rest.AWAKE),
]


@pytest.mark.parametrize(
    ("before", "status", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_when_the_scanner_sleeps(before: Rest, status: TenantStatus | None, expected: Rest) -> None:
    assert sleeping.next_rest(before, NOW, AFTER, status, NOW) is expected


def test_one_that_does_not_wake_is_told_as_broken() -> None:
    status = told(waiting=True, scanner=DOWN)
    late = NOW + WAKING_LIMIT
    assert sleeping.next_rest(Rest.WAKING, NOW, AFTER, status, late - timedelta(seconds=1)) is Rest.WAKING
    assert sleeping.next_rest(Rest.WAKING, NOW, AFTER, status, late) is Rest.AWAKE


@pytest.mark.parametrize("before", list(Rest))
def test_without_the_field_it_never_sleeps(before: Rest) -> None:
    assert sleeping.next_rest(before, NOW, None, told(idle=10**9), NOW) is Rest.AWAKE


def replicas(*, asleep: bool) -> dict[str, int]:
    materials = dataclasses.replace(fixed_materials(), scanner_asleep=asleep)
    objects = desired.render(organization(scanner={"scaleToZeroAfter": "10m"}), settings(), materials)
    return {each["metadata"]["name"]: each["spec"]["replicas"] for each in objects if each["kind"] == "Deployment"}


def test_asleep_it_has_no_pod_and_the_app_stays() -> None:
    assert replicas(asleep=False) == {names.APP: 1, names.SCANNER: 1}
    assert replicas(asleep=True) == {names.APP: 1, names.SCANNER: 0}


@pytest.mark.parametrize(
    ("asleep", "fields", "expected"),
    [
        (True, {"scanner": {"scaleToZeroAfter": "10m"}}, Rest.ASLEEP),
        (False, {"scanner": {"scaleToZeroAfter": "10m"}}, Rest.AWAKE),
        (True, {}, Rest.AWAKE),
        (True, {"scanner": {"scaleToZeroAfter": "10m"}, "suspend": True}, Rest.AWAKE),
    ],
)
def test_an_operator_that_starts_anew_wakes_nobody(asleep: bool, fields: dict[str, object], expected: Rest) -> None:  # noqa: FBT001 - a row of the table
    there = live([deployment_scanner.render(organization(), settings(), asleep=asleep)])
    assert sleeping.found(organization(**fields), there) is expected


@pytest.mark.parametrize(("rests", "reason"), [("Asleep", Reason.SLEEPING), ("Waking", Reason.WAKING)])
def test_an_organization_whose_scanner_sleeps_is_ready(rests: str, reason: Reason) -> None:
    facts = dataclasses.replace(GOOD, tenant=told(scanner=DOWN), scanner_rests=rests)
    found = {each["type"]: (each["status"], each["reason"]) for each in conditions.conditions(facts, [], NOW)}
    assert found[ConditionType.SCANNER_READY] == ("True", reason)
    assert found[ConditionType.READY][0] == "True"
