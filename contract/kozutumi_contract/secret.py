"""A value that must not be printed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T", bytes, str)


@dataclass(frozen=True, slots=True, repr=False)
class Secret(Generic[T]):
    """Holds a secret; only `reveal()` gives it, so a log line or a traceback cannot."""

    _value: T

    def reveal(self) -> T:
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"
