"""`kubectl wait`, Argo CD and Flux read a status by kstatus' rules; whatever is the matter, they must read it right.

Rules: sigs.k8s.io/cli-utils, pkg/kstatus/README.md ("The library", generic resources).
"""

from __future__ import annotations

import dataclasses
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kozutumi_operator import errors
from kozutumi_operator.organizations import conditions, plan_status, spec
from kozutumi_operator.organizations.decide import Apply
from kozutumi_operator.organizations.facts import Facts, StorageState
from operator_builders import body
from organization_world import DOWN, GOOD, NOW, TENANT

FAILURES = st.sampled_from(
    [None, errors.SpecRefused("no"), errors.KeyRingLost("gone"), errors.ClusterUnavailable("away")]
)
FACTS = st.builds(
    dataclasses.replace,
    st.just(GOOD),
    organization=st.sampled_from([spec.parse(body()), spec.parse(body(suspend=True))]),
    failure=FAILURES,
    storage=st.sampled_from([StorageState(ready=True, message="In place.", region="ap-northeast-1"), None]),
    storage_failure=st.sampled_from([None, errors.StorageUnavailable("away"), errors.BucketConflict("theirs")]),
    tenant=st.sampled_from([TENANT, None, dataclasses.replace(TENANT, mail=DOWN)]),
    isolation=st.sampled_from([GOOD.isolation, None]),
    remaining=st.sampled_from([(), [Apply({"kind": "NetworkPolicy"})]]),
).flatmap(
    lambda facts: st.sampled_from(
        [facts, dataclasses.replace(facts, failure=errors.SpecRefused("no"), left_alone=True)]
    )
)


def kstatus(resource: dict[str, Any]) -> str:
    metadata, status = resource["metadata"], resource.get("status") or {}
    if "deletionTimestamp" in metadata:
        return "Terminating"
    if status.get("observedGeneration", metadata["generation"]) != metadata["generation"]:
        return "InProgress"
    found = {each["type"]: each["status"] for each in status.get("conditions") or ()}
    if found.get("Reconciling") == "True":
        return "InProgress"
    if found.get("Stalled") == "True":
        return "Failed"
    return "Current" if found.get("Ready", "True") == "True" else "InProgress"


def read(facts: Facts, generation: int) -> str:
    judged = conditions.conditions(facts, [], NOW)
    status = {"observedGeneration": facts.organization.generation, "conditions": judged}
    return kstatus({"metadata": {"generation": generation}, "status": status})


@given(facts=FACTS)
@settings(deadline=None)
def test_a_tool_reads_what_is_the_matter(facts: Facts) -> None:
    generation = facts.organization.generation
    refused = any(isinstance(each, errors.Refused) for each in (facts.failure, facts.storage_failure))
    well = (
        facts.failure is None
        and facts.storage_failure is None
        and None not in (facts.storage, facts.isolation)
        and facts.tenant is TENANT
        and not facts.remaining
        and not facts.organization.suspend
    )
    wanted = "Failed" if refused else "Current" if well else "InProgress"
    assert read(facts, generation) == wanted
    assert read(facts, generation + 1) == "InProgress", "an answer to an older manifest is none"


@given(facts=FACTS)
@settings(deadline=None)
def test_each_condition_is_whole(facts: Facts) -> None:
    for each in conditions.conditions(facts, [], NOW):
        assert each["status"] in ("True", "False", "Unknown")
        assert each["reason"].isalnum()
        assert each["message"], each
        assert each["observedGeneration"] == facts.organization.generation


def test_a_plan_is_read_by_the_same_rules() -> None:
    good: dict[str, Any] = {"metadata": {"name": "a", "generation": 2}, "spec": {}}
    bad: dict[str, Any] = {"metadata": {"name": "b", "generation": 2}, "spec": {"defaults": {"app": {"replicas": 2}}}}
    for plan, wanted in ((good, "Current"), (bad, "Failed")):
        plan["status"] = plan_status.render(plan, {}, NOW)
        assert kstatus(plan) == wanted
