"""argon2id (RFC 9106). Parameters: m = 46 MiB, t = 1, p = 1, of OWASP's list of equal-strength choices.

RFC 9106 §4 recommends 2 GiB or, where memory is short, 64 MiB with t = 3. The app must stay below 200 MiB
with uploads running beside a sign-in; 46 MiB leaves that room, and one verification at a time keeps it.
"""

from __future__ import annotations

import threading
from typing import Final

from argon2 import PasswordHasher as Argon2
from argon2 import Type
from argon2.exceptions import InvalidHashError, VerificationError

from kozutumi_app.domain.passwords import MAXIMUM_LENGTH, normalize
from kozutumi_app.errors import RateLimited

MEMORY_KIB: Final = 46 * 1024
_WAIT_SECONDS: Final = 10.0
_QUEUE_LENGTH: Final = 12  # fewer than the threads that answer requests, so that sign-ins cannot take them all


class Argon2Passwords:
    def __init__(self, memory_kib: int = MEMORY_KIB) -> None:
        self._argon2 = Argon2(time_cost=1, memory_cost=memory_kib, parallelism=1, type=Type.ID)
        self._one = threading.Lock()
        self._queue = threading.BoundedSemaphore(_QUEUE_LENGTH)
        self._dummy = self._argon2.hash("a password nobody has")

    def hash(self, password: str) -> str:
        """Raises RateLimited when too many others wait."""
        with _Turn(self._queue, self._one):
            return self._argon2.hash(normalize(password))

    def verify(self, password_hash: str | None, password: str) -> bool:
        """Raises RateLimited when too many others wait."""
        too_long = len(password) > MAXIMUM_LENGTH
        with _Turn(self._queue, self._one):
            try:
                self._argon2.verify(password_hash or self._dummy, "" if too_long else normalize(password))
            except (VerificationError, InvalidHashError):
                return False
        return password_hash is not None and not too_long


class _Turn:
    def __init__(self, queue: threading.BoundedSemaphore, one: threading.Lock) -> None:
        self._queue, self._one = queue, one

    def __enter__(self) -> None:
        if not self._queue.acquire(blocking=False):
            raise RateLimited(retry_after=5)
        if not self._one.acquire(timeout=_WAIT_SECONDS):
            self._queue.release()
            raise RateLimited(retry_after=5)

    def __exit__(self, *error: object) -> None:
        self._one.release()
        self._queue.release()
