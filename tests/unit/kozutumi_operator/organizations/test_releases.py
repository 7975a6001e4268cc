"""What belongs to a release, and what a Deployment keeps until its wave comes."""

from __future__ import annotations

import dataclasses

import pytest

import operator_builders as builders
from kozutumi_contract import labels
from kozutumi_operator import platform as settings
from kozutumi_operator.organizations import desired, releases
from kozutumi_operator.organizations.observed import Object, observe
from kozutumi_operator.platform import Destination, PlatformSettings

OTHER = {"int": "1234", "Destination": "namespace=elsewhere,a=b", "SmtpTls": "implicit", "bool": "true"}


def deployments(platform: PlatformSettings) -> list[Object]:
    organization = builders.organization(residency={"region": platform.regions()[0]})
    made = desired.render(organization, platform, builders.fixed_materials())
    return [each for each in made if each["kind"] == "Deployment"]


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(PlatformSettings)])
def test_a_setting_that_ends_up_in_pods_makes_another_release(field: str) -> None:
    before = builders.settings()
    hint = next(str(each.type) for each in dataclasses.fields(PlatformSettings) if each.name == field)
    value = "192.0.2.0/24" if "cidr" in field else OTHER.get(hint, "https://x.test:1/y")
    try:
        after = settings.replaced(before, {field: value})
        pods = deployments(after)
    except (settings.PlatformError, ValueError):
        return
    if pods != deployments(before):
        assert releases.of(after).id != releases.of(before).id


@pytest.mark.parametrize("field", releases.CARRIED)
def test_a_release_brings_back_each_setting_it_carries(field: str) -> None:
    hint = next(str(each.type) for each in dataclasses.fields(PlatformSettings) if each.name == field)
    before = builders.settings()
    after = settings.replaced(before, {field: OTHER.get(hint, "other")})
    assert releases.of(after).id != releases.of(before).id
    assert releases.apply(releases.of(before), after) == before
    assert releases.from_json(releases.to_json(releases.of(after))) == releases.of(after)


@pytest.mark.parametrize(
    "value",
    [
        Destination("ns", (("a", "b"), ("c", "d"))),
        Destination(cidrs=("192.0.2.0/24", "198.51.100.7/32")),
    ],
)
def test_a_destination_survives_as_text(value: Destination) -> None:
    assert settings.destination(settings.text_of(value)) == value


def test_what_holds_for_the_whole_cluster_is_no_release() -> None:
    before = builders.settings()
    after = settings.replaced(before, {"allowed_regions": "ap-northeast-1,x", "image_probe": "localhost/other:1"})
    assert releases.of(after).id == releases.of(before).id


def test_pods_of_another_operator_s_rendering_stay_until_their_wave() -> None:
    platform = builders.settings()
    earlier = releases.Release(releases.of(platform).texts, "rendered by an earlier operator")
    live = builders.as_live(deployments(platform))
    for each in live:
        each["metadata"]["annotations"] = {labels.RELEASE: earlier.id}
        each["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 7
    own = releases.rendering(platform)
    kept = releases.stamped(deployments(platform), earlier, observe(live), own)
    assert [each["spec"]["template"] for each in kept] == [each["spec"]["template"] for each in live]
    moved = releases.stamped(deployments(platform), releases.of(platform), observe(live), own)
    assert [each["spec"] for each in moved] == [each["spec"] for each in deployments(platform)]
    assert {releases.recorded(each) for each in moved} == {releases.of(platform).id}


def live_deployment(**status: object) -> Object:
    metadata = {"name": "app", "generation": 2, "annotations": {labels.RELEASE: "r"}}
    full = {"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {"replicas": 1},
        "status": full | status,
    }


@pytest.mark.parametrize(
    ("status", "complete"),
    [
        ({}, True),
        ({"observedGeneration": 1}, False),
        ({"replicas": 2}, False),
        ({"updatedReplicas": 0}, False),
        ({"availableReplicas": 0}, False),
    ],
)
def test_a_rollout_is_complete_when_no_old_pod_is_left(status: dict[str, object], complete: object) -> None:
    assert releases.deployed(observe([live_deployment(**status)])) == ("r", complete)
    assert releases.deployed(observe([])) == ("", False)
