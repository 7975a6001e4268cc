from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from kozutumi_operator.organizations import plan_status

NOW = datetime(2026, 1, 2, tzinfo=UTC)
EARLIER = datetime(2026, 1, 1, tzinfo=UTC)


def plan(name: str, **rules: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "generation": 3}, "spec": rules}


USUAL, SECOND = plan("usual", default=True), plan("second", default=True)
CASES: dict[str, tuple[dict[str, Any], list[dict[str, Any]], str]] = {
    "empty": (plan("a"), [], "AsSpecified"),
    "the one default": (USUAL, [plan("b")], "AsSpecified"),
    "one of two defaults": (USUAL, [SECOND], "DefaultPlanAmbiguous"),
    "beside two defaults": (plan("a"), [USUAL, SECOND], "AsSpecified"),
    "what no release can do": (plan("a", defaults={"authentication": {"mfa": "Everyone"}}), [], "SpecInvalid"),
    "a contradiction": (plan("a", defaults={"app": {"replicas": 3}}), [], "SpecInvalid"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_plan_says_whether_it_can_be_used(case: str) -> None:
    subject, others, reason = CASES[case]
    known = {each["metadata"]["name"]: each for each in (subject, *others)}
    status = plan_status.render(subject, known, NOW)
    found = {each["type"]: each for each in status["conditions"]}
    good = reason == "AsSpecified"
    assert (found["Ready"]["status"], found["Ready"]["reason"]) == (str(good), reason)
    assert found["Stalled"]["status"] == str(not good)
    assert found["Reconciling"]["status"] == "False"
    assert status["observedGeneration"] == 3


def test_nothing_is_written_twice() -> None:
    subject = plan("a")
    subject["status"] = plan_status.render(subject, {"a": subject}, EARLIER)
    assert plan_status.render(subject, {"a": subject}, NOW) == subject["status"]
