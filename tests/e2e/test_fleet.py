"""Releases in waves on the cluster: a broken one stops at the canary and goes back, and nobody outside notices."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import fleet_world
from e2e_world import AOI, KAEDE, World, wait_until
from kozutumi_contract import labels
from kozutumi_operator.manifests import names

# Of the nineteen beside the canary, who comes first in each wave: two, then at most a quarter of twenty at once.
FIRST_OF_WAVES = (0, 2, 7, 12, 17)
QUICK = {"FLEET_SOAK": "2s", "FLEET_PATIENCE": "20s"}


def reasons(world: World, code: str) -> set[str]:
    words = ("get", "events.events.k8s.io", "-n", "default", f"--field-selector=regarding.name={code}")
    return {event["reason"] for event in world.kubectl.json(*words)["items"]}


def images(world: World, code: str) -> set[str]:
    deployment = world.kubectl.json("get", "deployment", "app", "-n", labels.namespace(code))
    pod = deployment["spec"]["template"]["spec"]
    return {container["image"] for container in (*pod["initContainers"], *pod["containers"])}


@pytest.fixture
def canary(world: World) -> Iterator[str]:
    """One of the lasting organizations goes first; its neighbours must not even be tried."""
    world.kubectl("label", "organization", AOI, f"{labels.CANARY}=true", "--overwrite")
    yield AOI
    world.kubectl("label", "organization", AOI, f"{labels.CANARY}-")


@pytest.mark.slow
def test_a_broken_image_stops_at_the_canary_and_goes_back_unnoticed(world: World, canary: str) -> None:
    """The operator itself is replaced twice on the way, which changes no pod of anybody either."""
    fleet_world.wait_phase(world, "Settled")
    both = [AOI, KAEDE]
    good, broken = images(world, canary), fleet_world.operator_image(world)
    before = {code: pods(world, code) for code in both}
    with fleet_world.polling(world, both) as polls:
        with fleet_world.platform(world, IMAGE_APP=broken, **QUICK):
            record = fleet_world.wait_phase(world, "RolledBack", seconds=180)
            assert record["imageApp"] == broken
            assert canary in record["message"]
            wait_until("the canary going back", lambda: images(world, canary) == good, seconds=60)
            assert images(world, KAEDE) == good
            told = {"RollingOut", "RolledBack"}
            wait_until("both turns being told", lambda: told <= reasons(world, canary), seconds=30)
        wait_until("the broken pod going", lambda: len(pods(world, canary)) == len(before[canary]), seconds=90)
        assert {code: pods(world, code) for code in both} == before
    print(f"polled {polls.counts}, failed {polls.failures}")
    assert polls.failures == []
    assert set(polls.counts) == set(both)


def pods(world: World, code: str) -> dict[str, tuple[str, int]]:
    listed = world.kubectl.json("get", "pods", "-n", labels.namespace(code), "-l", f"{names.SERVING}=true")
    return {
        pod["metadata"]["uid"]: (
            pod["metadata"]["name"],
            sum(each["restartCount"] for each in pod["status"]["containerStatuses"]),
        )
        for pod in listed["items"]
        if "deletionTimestamp" not in pod["metadata"]
    }


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_a_good_and_a_broken_release_over_twenty_organizations(world: World, twenty: list[str], tmp_path: Path) -> None:
    fleet_world.wait_phase(world, "Settled")
    [canary] = [
        each["metadata"]["name"]
        for each in world.kubectl.json("get", "organizations", "-l", f"{labels.CANARY}=true")["items"]
    ]
    others = [code for code in twenty if code != canary]
    busy = [canary, *(others[first] for first in FIRST_OF_WAVES)]
    waves = {"FLEET_SOAK": "3s", "FLEET_PATIENCE": "3m", "FLEET_MAX_UNAVAILABLE": "25%"}
    with ExitStack() as stack:
        under_way = [stack.enter_context(fleet_world.traffic(world, code, tmp_path, mebibytes=24)) for code in busy]
        polls = stack.enter_context(fleet_world.polling(world, twenty, interval=2))
        before = fleet_world.serving_pods(world, twenty)
        with fleet_world.platform(world, MAIL_FROM="another@kozutumi.test", **waves):
            wait_until(
                "the new release everywhere",
                lambda: _mail_from(world, twenty) == {"another@kozutumi.test"},
                seconds=1500,
                interval=5,
            )
            fleet_world.wait_phase(world, "Settled", seconds=600)
            moved = fleet_world.serving_pods(world, twenty)
            assert all(moved[code] != before[code] for code in twenty)
            broken = fleet_world.operator_image(world)
            with fleet_world.platform(world, IMAGE_APP=broken, FLEET_PATIENCE="60s"):
                record = fleet_world.wait_phase(world, "RolledBack", seconds=400)
                assert canary in record["message"]
                assert {code for code in twenty if broken in images(world, code)} <= {canary}
            assert fleet_world.serving_pods(world, twenty) == moved
    print(f"polled {sum(polls.counts.values())} times over {len(twenty)}, failed {polls.failures}")
    print(f"lines cut and taken up: {[cut for each in under_way for cut in each.cuts]}")
    assert polls.failures == []


def _mail_from(world: World, codes: list[str]) -> set[str]:
    listed = world.kubectl.json("get", "deployments", "-A", "-l", f"{labels.COMPONENT}=app")["items"]
    mine = [each for each in listed if each["metadata"]["namespace"] in {labels.namespace(code) for code in codes}]
    variables = [
        variable for each in mine for variable in each["spec"]["template"]["spec"]["containers"][0].get("env", [])
    ]
    return {variable.get("value", "") for variable in variables if variable["name"].endswith("MAIL_FROM")}
