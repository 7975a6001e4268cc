from __future__ import annotations

from datetime import UTC, datetime, timedelta

from kozutumi_app.domain.rate_limits import FailureCounts, Limit, RateLimiter

NOW = datetime(2026, 1, 5, tzinfo=UTC)
LIMIT = Limit(burst=2, seconds=10)


def test_a_burst_then_one_at_a_time() -> None:
    limiter = RateLimiter()
    assert [limiter.retry_after("p", "a", LIMIT, NOW) for _ in range(3)] == [0, 0, 10]
    assert limiter.retry_after("p", "b", LIMIT, NOW) == 0
    assert limiter.retry_after("q", "a", LIMIT, NOW) == 0
    assert limiter.retry_after("p", "a", LIMIT, NOW + timedelta(seconds=5)) == 5
    assert limiter.retry_after("p", "a", LIMIT, NOW + timedelta(seconds=10)) == 0


def test_a_clock_that_goes_back_gives_nothing() -> None:
    limiter = RateLimiter()
    for _ in range(2):
        limiter.retry_after("p", "a", LIMIT, NOW)
    assert limiter.retry_after("p", "a", LIMIT, NOW - timedelta(days=1)) == 10


def test_strangers_cannot_make_memory_grow() -> None:
    limiter, failures = RateLimiter(maximum_keys=100), FailureCounts(maximum_keys=100)
    for number in range(1000):
        limiter.retry_after("p", str(number), LIMIT, NOW)
        failures.failed(str(number), NOW, lambda _count: 30)
    assert len(limiter) == 100
    assert len(failures._failures) == 100
    assert failures.wait_seconds("999", NOW) == 30
    assert failures.wait_seconds("0", NOW) == 0


def test_failures_are_counted_until_a_success() -> None:
    failures = FailureCounts()
    for _ in range(3):
        failures.failed("a", NOW, lambda count: count * 10)
    assert failures.wait_seconds("a", NOW) == 30
    assert failures.wait_seconds("a", NOW + timedelta(seconds=29.5)) == 1
    assert failures.wait_seconds("a", NOW + timedelta(seconds=30)) == 0
    failures.succeeded("a")
    assert failures.wait_seconds("a", NOW) == 0
