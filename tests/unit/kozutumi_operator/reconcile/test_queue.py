"""The work queue: one at a time per name, no name lost, back-off that grows and jitters."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from kozutumi_operator.errors import ClusterUnavailable
from kozutumi_operator.reconcile.queue import FIRST_DELAY, LONGEST_DELAY, WorkQueue, back_off


@pytest.mark.parametrize(
    ("failures", "full"), [(1, FIRST_DELAY), (2, FIRST_DELAY * 2), (5, FIRST_DELAY * 16), (500, LONGEST_DELAY)]
)
def test_back_off_doubles_up_to_a_limit_and_half_of_it_is_jitter(failures: int, full: float) -> None:
    assert back_off(failures, lambda: 0.0) == full / 2
    assert back_off(failures, lambda: 0.999999) == pytest.approx(full, rel=1e-3)


async def test_a_name_added_often_is_worked_on_once() -> None:
    worked: Counter[str] = Counter()

    async def handle(name: str) -> None:
        worked[name] += 1

    queue = WorkQueue(lambda: 0.0)
    queue.handle = handle
    for _ in range(5):
        queue.add("a")
    queue.add("b")
    await queue.step()
    await queue.step()
    assert worked == {"a": 1, "b": 1}
    assert queue.pending() == set()


async def test_one_name_is_never_worked_on_twice_at_once_and_no_addition_is_lost() -> None:
    running, most, rounds = Counter[str](), Counter[str](), Counter[str]()
    release = asyncio.Event()

    async def handle(name: str) -> None:
        running[name] += 1
        rounds[name] += 1
        most[name] = max(most[name], running[name])
        await release.wait()
        running[name] -= 1

    queue = WorkQueue(lambda: 0.0)
    queue.handle = handle
    queue.add("a")
    first = asyncio.create_task(queue.step())
    await asyncio.sleep(0)
    queue.add("a")
    second = asyncio.create_task(queue.step())
    await asyncio.sleep(0)
    assert running == {"a": 1}
    release.set()
    await asyncio.gather(first, second)
    assert (rounds["a"], most["a"]) == (2, 1)


async def test_a_failure_is_tried_again_later_and_success_forgets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    delays: list[float] = []
    outcomes = iter([ClusterUnavailable("away"), ValueError("bug"), None])

    async def handle(_: str) -> None:
        if (outcome := next(outcomes)) is not None:
            raise outcome

    queue = WorkQueue(lambda: 0.0)
    queue.handle = handle
    monkeypatch.setattr(queue, "add_later", lambda _, seconds: delays.append(seconds))
    for _ in range(3):
        queue._add("a")  # as its timer does
        await queue.step()
    assert delays == [FIRST_DELAY / 2, FIRST_DELAY]
    assert queue.failures("a") == 0


async def test_what_is_due_later_comes_at_once_when_it_is_added() -> None:
    queue = WorkQueue(lambda: 0.0)
    queue.add_later("a", 3600)
    assert queue.pending() == {"a"}
    queue.add("a")
    worked = []

    async def handle(name: str) -> None:
        worked.append(name)

    queue.handle = handle
    await queue.step()
    assert worked == ["a"]
    assert queue.pending() == set()


async def test_the_earlier_of_two_dates_counts() -> None:
    queue = WorkQueue(lambda: 0.0)
    queue.add_later("a", 10)
    queue.add_later("a", 3600)
    due = queue.due("a")
    assert due is not None
    queue.add_later("a", 1)
    earlier = queue.due("a")
    assert earlier is not None
    assert earlier < due
    queue.add("a")
