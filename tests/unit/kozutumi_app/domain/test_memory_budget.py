import asyncio

import pytest

from kozutumi_app.domain.memory_budget import MemoryBudget, Pace


async def waiting(budget: MemoryBudget, size: int, pace: Pace = Pace.BRISK) -> "asyncio.Task[None]":
    """A task that has begun to wait."""
    task = asyncio.create_task(budget.acquire(size, pace))
    for _ in range(3):
        await asyncio.sleep(0)
    return task


async def test_who_waits_is_served_in_order_even_if_a_later_one_would_fit() -> None:
    budget = MemoryBudget(10)
    assert budget.try_acquire(8)
    large, small = await waiting(budget, 6), await waiting(budget, 1)
    assert budget.is_pressed()
    assert not budget.try_acquire(1)
    assert not small.done()
    budget.release(8)
    await asyncio.gather(large, small)
    assert (budget.used, budget.is_pressed()) == (7, False)


async def test_cancelled_waiter_takes_nothing_and_blocks_nobody() -> None:
    budget = MemoryBudget(10)
    assert budget.try_acquire(5)
    large, small = await waiting(budget, 10), await waiting(budget, 5)
    large.cancel()
    await small
    assert large.cancelled()
    budget.release(5)
    budget.release(5)
    assert budget.used == 0


async def test_waiter_cancelled_after_it_was_served_gives_back() -> None:
    budget = MemoryBudget(10)
    assert budget.try_acquire(10)
    served, next_one = await waiting(budget, 10), await waiting(budget, 10)
    budget.release(10)
    served.cancel()
    await next_one
    assert (budget.used, served.cancelled()) == (10, True)


async def test_two_cancelled_at_once_leave_no_trace() -> None:
    budget = MemoryBudget(10)
    assert budget.try_acquire(10)
    first, second, third = [await waiting(budget, 10) for _ in range(3)]
    first.cancel()
    second.cancel()
    budget.release(10)
    await third
    assert (budget.used, budget.is_pressed()) == (10, False)


async def test_what_can_never_be_free_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="never"):
        await MemoryBudget(10).acquire(11)


async def test_slow_senders_have_half_and_keep_no_brisk_one_waiting() -> None:
    budget = MemoryBudget(10)
    assert budget.try_acquire(4, Pace.SLOW)
    slow = [await waiting(budget, 2, Pace.SLOW) for _ in range(50)]
    assert budget.is_pressed(Pace.SLOW)
    assert budget.try_acquire(5)
    brisk = await waiting(budget, 3)
    budget.release(5)
    await brisk
    assert not any(task.done() for task in slow)
    budget.release(4, Pace.SLOW)
    await asyncio.gather(*slow[:2])
    assert (budget.used, budget.peak) == (7, 9)
    for task in slow[2:]:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)


async def test_brisk_sender_passes_no_slow_one_that_could_be_served() -> None:
    budget = MemoryBudget(10)
    assert budget.try_acquire(9)
    slow = await waiting(budget, 2, Pace.SLOW)
    assert not budget.try_acquire(1)
    budget.release(9)
    await slow
    assert budget.used == 2
