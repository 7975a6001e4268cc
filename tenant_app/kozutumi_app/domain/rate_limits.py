"""Limits on what strangers may try, in bounded memory: a token bucket per key, the oldest forgotten first."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

MAXIMUM_KEYS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `burst` at once, one more every `seconds`."""

    burst: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Allowance:
    """`remaining` tries at once, all of them again in `reset` seconds; `retry_after` 0 when this one was allowed."""

    remaining: int
    reset: int
    retry_after: int


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: datetime


class RateLimiter:
    """Thread-safe. Forgetting a key under pressure lets its owner try again, and never lets memory grow."""

    def __init__(self, maximum_keys: int = MAXIMUM_KEYS) -> None:
        self._maximum_keys = maximum_keys
        self._buckets: OrderedDict[tuple[str, str], _Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._buckets)

    def retry_after(self, purpose: str, key: str, limit: Limit, now: datetime) -> int:
        """Take one try. 0 when allowed, else the seconds to wait (at least 1)."""
        return self.take(purpose, key, limit, now).retry_after

    def take(self, purpose: str, key: str, limit: Limit, now: datetime) -> Allowance:
        """Take one try, if there is one, and say what is left."""
        with self._lock:
            bucket = self._buckets.pop((purpose, key), None) or _Bucket(float(limit.burst), now)
            elapsed = max(0.0, (now - bucket.at).total_seconds())
            bucket.tokens = min(float(limit.burst), bucket.tokens + elapsed / limit.seconds)
            bucket.at = now
            self._buckets[purpose, key] = bucket
            if len(self._buckets) > self._maximum_keys:
                self._buckets.popitem(last=False)
            wait = 0
            if bucket.tokens >= 1:
                bucket.tokens -= 1
            else:
                wait = max(1, math.ceil((1 - bucket.tokens) * limit.seconds))
            return Allowance(int(bucket.tokens), math.ceil((limit.burst - bucket.tokens) * limit.seconds), wait)


class FailureCounts:
    """Failures in a row and the lock they led to, for known and unknown keys alike, in bounded memory."""

    def __init__(self, maximum_keys: int = MAXIMUM_KEYS) -> None:
        self._maximum_keys = maximum_keys
        self._failures: OrderedDict[str, tuple[int, datetime]] = OrderedDict()
        self._lock = threading.Lock()

    def wait_seconds(self, key: str, now: datetime) -> int:
        with self._lock:
            _, until = self._failures.get(key, (0, now))
        return max(0, math.ceil((until - now).total_seconds()))

    def failed(self, key: str, now: datetime, lock_seconds: Callable[[int], int]) -> None:
        with self._lock:
            count, _ = self._failures.pop(key, (0, now))
            self._failures[key] = (count + 1, now + timedelta(seconds=lock_seconds(count + 1)))
            if len(self._failures) > self._maximum_keys:
                self._failures.popitem(last=False)

    def succeeded(self, key: str) -> None:
        with self._lock:
            self._failures.pop(key, None)
