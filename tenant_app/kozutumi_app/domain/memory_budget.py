"""One budget of memory for everything that is being received, with back-pressure in which slow senders starve nobody.

A holder never waits while it holds: it asks with `try_acquire`, and when refused stores what it has, releases, and
only then waits. So there is no deadlock, and whoever waits is served in order of arrival. Slow senders together get
at most half: however many there are, they wait for each other and not the others for them.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import Final


class Pace(Enum):
    """How a sender sends, as it has shown so far."""

    BRISK = "brisk"
    SLOW = "slow"


_SLOW_SHARE: Final = 0.5


@dataclass(slots=True, eq=False)
class _Waiter:
    number: int
    size: int
    turn: asyncio.Future[None]


class MemoryBudget:
    """Bytes that may be held at once. Belongs to one event loop."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._held = dict.fromkeys(Pace, 0)
        self._waiting: dict[Pace, deque[_Waiter]] = {pace: deque() for pace in Pace}
        self._numbers = itertools.count()
        self.peak = 0

    @property
    def used(self) -> int:
        return sum(self._held.values())

    def is_pressed(self, pace: Pace = Pace.BRISK) -> bool:
        """Someone of this pace waits: whoever holds of its share should store a short segment soon."""
        return bool(self._waiting[pace])

    def try_acquire(self, size: int, pace: Pace = Pace.BRISK) -> bool:
        """Take `size` bytes if they are free and nobody who could have them came earlier."""
        if self._next() is not None or self._waiting[pace] or not self._fits(size, pace):
            return False
        self._take(size, pace)
        return True

    async def acquire(self, size: int, pace: Pace = Pace.BRISK) -> None:
        """Take `size` bytes, waiting in order of arrival. Never call while holding some."""
        if size > self._limit(pace):
            raise ValueError(f"{size} bytes can never be free in a budget of {self._limit(pace)}")
        if self.try_acquire(size, pace):
            return
        waiter = _Waiter(next(self._numbers), size, asyncio.get_running_loop().create_future())
        self._waiting[pace].append(waiter)
        try:
            await waiter.turn
        except asyncio.CancelledError:
            if waiter.turn.done() and not waiter.turn.cancelled():
                self.release(size, pace)
            else:
                self._waiting[pace].remove(waiter)
                self._serve()
            raise

    def release(self, size: int, pace: Pace = Pace.BRISK) -> None:
        self._held[pace] -= size
        self._serve()

    def _limit(self, pace: Pace) -> int:
        return self._total if pace is Pace.BRISK else int(self._total * _SLOW_SHARE)

    def _fits(self, size: int, pace: Pace) -> bool:
        return self.used + size <= self._total and self._held[pace] + size <= self._limit(pace)

    def _take(self, size: int, pace: Pace) -> None:
        self._held[pace] += size
        self.peak = max(self.peak, self.used)

    def _next(self) -> Pace | None:
        """Whose turn it is: the earliest that is not kept back by its own share; None when nobody waits so."""
        heads = [
            (queue[0].number, pace.value)
            for pace, queue in self._waiting.items()
            if queue and self._held[pace] + queue[0].size <= self._limit(pace)
        ]
        return Pace(min(heads)[1]) if heads else None

    def _serve(self) -> None:
        while (pace := self._next()) is not None:
            waiter = self._waiting[pace][0]
            if waiter.turn.cancelled() or not self._fits(waiter.size, pace):
                return  # one that was cancelled takes itself out, and serves who comes after it
            self._waiting[pace].popleft()
            self._take(waiter.size, pace)
            waiter.turn.set_result(None)
