"""A scanner that nothing waits for is stopped, and started again for the first file: by what the app tells, whole operator."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import operator_builders as builders
from kozutumi_operator.organizations.facts import Health
from kozutumi_operator.organizations.observed import observe
from kozutumi_operator.organizations.sleeping import WAKING_LIMIT, Rest
from kozutumi_operator.probe import matrix
from kozutumi_operator.probe.matrix import Addresses, Outside
from kozutumi_operator.reconcile import probing
from kozutumi_operator.reconcile.following import gist
from kozutumi_operator.reconcile.isolation import Isolating
from kozutumi_operator.reconcile.memory import Memories, Memory
from kozutumi_operator.reconcile.organization import Parts, Reconciler
from kozutumi_operator.reconcile.resting import rest
from operator_world import HEALTHY, OperatorWorld

CODE = "acme"
DOWN = Health(ok=False, message="the scanner does not answer")
IDLE = replace(HEALTHY, scan_waiting=False, scan_idle=601)
WAITING = replace(HEALTHY, scan_waiting=True, scan_idle=0)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def scanner(world: OperatorWorld) -> int:
    return int(world.cluster.objects["Deployment", f"kz-{CODE}", "scanner"]["spec"]["replicas"])


def reason(world: OperatorWorld) -> tuple[str, str]:
    conditions = world.cluster.objects["Organization", "", CODE]["status"]["conditions"]
    return next((each["status"], each["reason"]) for each in conditions if each["type"] == "ScannerReady")


async def settle(world: OperatorWorld, reconciler: Reconciler) -> None:
    for _ in range(20):
        before = len(world.cluster.log) + len(world.store.calls)
        await reconciler.look(CODE)
        if len(world.cluster.log) + len(world.store.calls) == before:
            return
    raise AssertionError(world.cluster.log[-5:])


async def organized() -> tuple[OperatorWorld, Parts, Reconciler]:
    world = OperatorWorld()
    world.organize(scanner={"scaleToZeroAfter": "10m"})
    parts = world.parts()
    reconciler = Reconciler(parts)
    await settle(world, reconciler)
    return world, parts, reconciler


async def told(world: OperatorWorld, parts: Parts, reconciler: Reconciler, status: Any, now: datetime = NOW) -> bool:
    """One answer of the app; whether it led to a look."""
    memory = parts.memories.of(CODE)
    before = gist(memory)
    memory.tenant = status
    rest(memory, now)
    changed = gist(memory) != before
    if changed:
        await settle(world, reconciler)
    return changed


async def test_it_sleeps_wakes_and_its_organization_stays_ready() -> None:
    world, parts, reconciler = await organized()
    assert scanner(world) == 1
    assert await told(world, parts, reconciler, IDLE)
    assert (scanner(world), reason(world)) == (0, ("True", "Sleeping"))
    assert await told(world, parts, reconciler, replace(IDLE, scanner=DOWN, self_test=False))
    assert (scanner(world), reason(world)) == (0, ("True", "Sleeping"))
    assert await told(world, parts, reconciler, replace(WAITING, scanner=DOWN, self_test=False))
    assert (scanner(world), reason(world)) == (1, ("True", "Waking"))
    assert await told(world, parts, reconciler, WAITING)
    assert (scanner(world), reason(world)) == (1, ("True", "SelfTestPassed"))


async def test_asleep_and_at_rest_nothing_is_asked_of_the_api_server() -> None:
    world, parts, reconciler = await organized()
    asleep = replace(IDLE, scanner=DOWN, self_test=False)
    await told(world, parts, reconciler, IDLE)
    await told(world, parts, reconciler, asleep)
    requests = len(world.cluster.log)
    for seconds in range(610, 4000, 10):
        assert not await told(world, parts, reconciler, replace(asleep, scan_idle=seconds))
    assert len(world.cluster.log) == requests


async def test_an_operator_that_starts_anew_lets_it_sleep_and_hears_when_it_is_needed() -> None:
    world, parts, reconciler = await organized()
    await told(world, parts, reconciler, IDLE)
    again = world.parts()
    fresh = Reconciler(again)
    await settle(world, fresh)
    assert scanner(world) == 0
    assert again.following.tenant(CODE) is not None
    await told(world, again, fresh, replace(WAITING, scanner=DOWN))
    assert scanner(world) == 1


async def test_one_that_does_not_come_up_is_told() -> None:
    world, parts, reconciler = await organized()
    broken = replace(WAITING, scanner=DOWN, self_test=False)
    await told(world, parts, reconciler, IDLE)
    await told(world, parts, reconciler, broken)
    assert await told(world, parts, reconciler, broken, NOW + WAKING_LIMIT)
    assert reason(world)[0] == "False"


def test_without_the_scanner_nothing_is_tried_towards_it() -> None:
    platform = builders.settings()
    at = Addresses(*(f"10.0.0.{number}" for number in range(1, 10)))
    whole = matrix.cells(CODE, platform, at, Outside())
    part = matrix.cells(CODE, platform, at, Outside(), scanner=False)
    left_out = [cell.name for cell in whole if cell not in part]
    assert left_out
    assert all("-> scanner" in name for name in left_out)
    assert not [cell for cell in part if "scanner" in cell.target.label]
    assert [cell for cell in part if cell.source == "scanner"]


class Walks(probing.Probing):
    def __init__(self) -> None:
        self.walked: list[bool] = []

    async def walk(self, service_code: str, *, scanner: bool = True) -> Any:
        del service_code
        self.walked.append(scanner)
        return matrix.evaluate({}, "2026-01-01T00:00:00Z")


async def test_what_was_not_walked_in_its_sleep_is_made_up_for() -> None:
    walks, memories = Walks(), Memories()
    clock = [NOW]
    isolating = Isolating(walks, memories, lambda _: None, now=lambda: clock[0], random=lambda: 0.5)
    organization, observed = builders.organization(), observe([])

    async def consider(*, scanner: bool) -> list[bool]:
        isolating.consider({}, organization, observed, scanner=scanner)
        await isolating.finished(CODE)
        return walks.walked

    assert await consider(scanner=True) == [True]
    assert await consider(scanner=False) == [True]  # what a whole walk proved stands
    clock[0] += timedelta(seconds=2 * probing.INTERVAL)
    assert await consider(scanner=False) == [True, False]
    assert await consider(scanner=False) == [True, False]
    assert await consider(scanner=True) == [True, False, True]
    assert await consider(scanner=True) == [True, False, True]


def test_sleep_is_not_begun_before_the_first_look() -> None:
    memory = Memory(tenant=IDLE, sleeps_after=600)
    rest(memory, NOW)
    assert memory.scanner_rests is None
    memory.scanner_rests = Rest.AWAKE
    rest(memory, NOW)
    assert memory.scanner_rests is Rest.ASLEEP
