"""The work queue: names, not events. A name is worked on by one worker at a time, once however often it was added."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from kozutumi_operator.errors import OperatorError

FIRST_DELAY: Final = 0.5
LONGEST_DELAY: Final = 120.0
EVENT_DELAY: Final = 2.0  # between two attempts at what fails, however many events ask for one

log = structlog.get_logger()


def back_off(failures: int, random: Callable[[], float]) -> float:
    """Seconds before attempt `failures` + 1: doubling, capped, with half of it jitter. `random()` is in [0, 1)."""
    full = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(failures - 1, 16))
    return full * (0.5 + 0.5 * random())


class WorkQueue:
    """Keyed queue. `handle(name)` returns seconds until the next look, or None; if it raises, it is tried again."""

    handle: Callable[[str], Awaitable[float | None]]

    def __init__(self, random: Callable[[], float], *, of: str = "service_code") -> None:
        """`of`: what the names name, for the log."""
        self._random = random
        self._of = of
        self._ready: asyncio.Queue[str] = asyncio.Queue()
        self._waiting: set[str] = set()
        self._working: set[str] = set()
        self._again: set[str] = set()
        self._failures: dict[str, int] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._not_before: dict[str, float] = {}

    def add(self, name: str) -> None:
        """Work on `name` as soon as a worker is free, or once more if one is working on it now.

        What failed just now is not tried at once for an event's sake: its own failing may be what brings events.
        """
        if (wait := self._held_back(name)) > 0:
            self.add_later(name, wait)
        else:
            self._add(name)

    def _held_back(self, name: str) -> float:
        until = self._not_before.get(name)
        return 0.0 if until is None else until - asyncio.get_running_loop().time()

    def _add(self, name: str) -> None:
        if timer := self._timers.pop(name, None):
            timer.cancel()
        if name in self._working:
            self._again.add(name)
        elif name not in self._waiting:
            self._waiting.add(name)
            self._ready.put_nowait(name)

    def add_later(self, name: str, seconds: float) -> None:
        """Work on `name` in `seconds`, unless it is due earlier."""
        loop = asyncio.get_running_loop()
        due = loop.time() + seconds
        timer = self._timers.get(name)
        if name in self._waiting or (timer is not None and timer.when() <= due):
            return
        if timer is not None:
            timer.cancel()
        self._timers[name] = loop.call_at(due, self._add, name)

    def pending(self) -> set[str]:
        """Names that wait for a worker or for their time."""
        return self._waiting | self._timers.keys()

    def depth(self) -> int:
        """Names that wait for a worker now."""
        return len(self._waiting)

    def due(self, name: str) -> float | None:
        """The event loop's time at which `name` comes by itself."""
        timer = self._timers.get(name)
        return timer.when() if timer else None

    def failures(self, name: str) -> int:
        return self._failures.get(name, 0)

    async def work(self) -> None:
        """One worker; run as many as should work side by side."""
        while True:
            await self.step()

    async def step(self) -> None:
        """Wait for a name and work on it."""
        name = await self._ready.get()
        self._waiting.discard(name)
        self._working.add(name)
        after: float | None
        try:
            after = await self.handle(name)
            self._failures.pop(name, None)
            self._not_before.pop(name, None)
        except Exception as error:
            failures = self._failures[name] = self._failures.get(name, 0) + 1
            after = back_off(failures, self._random)
            self._not_before[name] = asyncio.get_running_loop().time() + min(after, EVENT_DELAY)
            # What is expected to fail now and then is told in a line; the rest with where it came from.
            log.warning(
                "reconcile_failed",
                **{self._of: name},
                failures=failures,
                retry_seconds=round(after, 1),
                error=f"{type(error).__name__}: {error}",
                exc_info=not isinstance(error, OperatorError),
            )
        finally:
            self._working.discard(name)
        if name in self._again:
            self._again.discard(name)
            self.add(name)
        elif after is not None:
            self.add_later(name, after)
