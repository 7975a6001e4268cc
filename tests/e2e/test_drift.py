"""Whatever somebody changes past the admission policies is put back and told; how long that took is printed."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator

import pytest

import admission_world
from drift_cases import CASES, Case
from e2e_world import KAEDE, World, wait_until
from kozutumi_cluster.demo import organizations
from kozutumi_cluster.demo.kubectl import Kubectl
from kozutumi_cluster.errors import ClusterError

PATIENCE = 60  # seconds


@pytest.fixture(scope="module")
def victim(world: World) -> Iterator[str]:
    """An organization whose objects anybody with cluster-admin rights may edit for a while."""
    organizations.wait_ready(world.kubectl, KAEDE)
    with admission_world.past(world.kubectl, KAEDE):
        yield KAEDE


def told(kubectl: Kubectl, code: str) -> list[str]:
    """What the Events about this organization say was repaired."""
    listed = kubectl.json("get", "events.events.k8s.io", "-n", "default")["items"]
    return [each["note"] for each in listed if each["regarding"]["name"] == code and each["reason"] == "Repaired"]


@pytest.fixture(scope="module", autouse=True)
def told_before(world: World, victim: str) -> list[str]:
    return told(world.kubectl, victim)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_repaired(world: World, victim: str, case: Case) -> None:
    before = case.look(world.kubectl, victim)
    assert (before is None) == (case.create is not None)
    case.commit(world.kubectl, victim)
    started = time.monotonic()
    wait_until(f"repair: {case.name}", lambda: case.look(world.kubectl, victim) == before, seconds=PATIENCE, interval=0)
    print(f"{case.name}: repaired after {time.monotonic() - started:.1f} s")


def test_each_repair_is_told(world: World, victim: str, told_before: list[str]) -> None:
    wanted = Counter(case.told.replace("CODE", victim) for case in CASES)

    def untold() -> list[str]:
        notes = told(world.kubectl, victim)
        for note in told_before:
            if note in notes:
                notes.remove(note)
        return [start for start, times in wanted.items() if sum(note.startswith(start) for note in notes) < times]

    with contextlib.suppress(ClusterError):  # said below, with what is missing
        wait_until("an Event for each repair", lambda: not untold(), seconds=20)
    assert untold() == []


def test_it_is_still_ready(world: World, victim: str) -> None:
    organizations.wait_ready(world.kubectl, victim, seconds=300)


def test_these_are_many_cases() -> None:
    assert len(CASES) >= 25
