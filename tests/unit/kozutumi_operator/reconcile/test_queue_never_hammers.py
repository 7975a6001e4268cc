"""Whatever fails, whatever events come: attempts at a failing organization grow ever more seldom, and none is lost."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections import defaultdict

from hypothesis import example, given, settings
from hypothesis import strategies as st

from kozutumi_operator.errors import ClusterUnavailable
from kozutumi_operator.reconcile.queue import EVENT_DELAY, FIRST_DELAY, LONGEST_DELAY, WorkQueue

HOUR = 3600.0
NAMES = ("a", "b", "c")


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its clock jumps to the next timer instead of waiting."""

    moment = 0.0

    def time(self) -> float:
        return self.moment

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]  # asyncio's own lists
            self.moment = max(self.moment, self._scheduled[0].when())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


def attempts(
    failing_until: float, events: list[tuple[float, str]], jitter: list[float], *, lasting: float = HOUR
) -> dict[str, list[float]]:
    """When each name was worked on, in seconds from the start, while every attempt before `failing_until` fails."""
    found: dict[str, list[float]] = defaultdict(list)

    async def run() -> None:
        loop = asyncio.get_running_loop()

        async def handle(name: str) -> None:
            found[name].append(loop.time())
            if loop.time() < failing_until:
                raise ClusterUnavailable("away")

        turn = iter(range(10**9))
        queue = WorkQueue(lambda: jitter[next(turn) % len(jitter)])
        queue.handle = handle
        for name in NAMES:
            queue.add(name)
        for moment, name in events:
            loop.call_at(moment, queue.add, name)
        workers = [asyncio.create_task(queue.work()) for _ in range(2)]
        await asyncio.sleep(lasting)
        for worker in workers:
            worker.cancel()

    loop = VirtualLoop()
    try:
        loop.run_until_complete(run())
    finally:
        loop.close()
    return found


jitters = st.lists(st.floats(0, 0.999), min_size=1, max_size=7)
moments = st.lists(st.tuples(st.floats(0, HOUR - 1), st.sampled_from(NAMES)), max_size=60)


@settings(max_examples=40, deadline=None)
@given(jitter=jitters)
def test_what_fails_for_an_hour_is_tried_some_dozens_of_times(jitter: list[float]) -> None:
    for times in attempts(HOUR, [], jitter).values():
        gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
        assert min(gaps) >= FIRST_DELAY / 2
        assert max(gaps) <= LONGEST_DELAY
        assert len(times) <= 9 + HOUR / (LONGEST_DELAY / 2)


@settings(max_examples=40, deadline=None)
@given(jitter=jitters, events=moments)
def test_events_bring_a_failing_organization_forward_but_never_closer_than_the_limit(
    jitter: list[float], events: list[tuple[float, str]]
) -> None:
    flood = [(moment, "a") for moment in (100 + step / 50 for step in range(500))]
    for times in attempts(HOUR, [*events, *flood], jitter).values():
        gaps = [later - earlier for earlier, later in itertools.pairwise(times[4:])]
        assert min(gaps, default=EVENT_DELAY) >= EVENT_DELAY * 0.999


@settings(max_examples=40, deadline=None)
@given(jitter=jitters, events=moments, healed=st.floats(0, HOUR / 2))
@example(jitter=[0.0], events=[(HOUR - 1, "a"), (math.nextafter(HOUR - 1, 0), "a")], healed=0.0)
def test_once_it_works_every_event_is_answered(
    jitter: list[float], events: list[tuple[float, str]], healed: float
) -> None:
    found = attempts(healed, events, jitter)
    for name, times in found.items():
        assert times[-1] >= healed
        asked = [moment for moment, who in events if who == name and moment > healed + LONGEST_DELAY]
        # The event loop answers two timers together that lie within its clock's resolution.
        assert all(any(time >= moment - 1e-6 for time in times) for moment in asked)
