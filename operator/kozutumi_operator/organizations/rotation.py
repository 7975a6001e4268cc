"""Rotation of an organization's key ring in stages, each safe to stop at (architecture.md §5). Pure.

Where a rotation stands is in the ring itself, so a new operator goes on where the last one was killed:
    [1*]  →  [1* 2]  →  [1 2*]  →  [1(retired) 2*]  →  [2*]
          add       activate    retire             remove
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from kozutumi_contract import labels
from kozutumi_contract.keyring import KeyRing

_TOKEN_LENGTH: Final = 128


class Stage(StrEnum):
    """What status.encryption.stage shows; docs/operations/rotation.md lists them."""

    NONE = "None"
    DISTRIBUTING = "Distributing"  # every replica of the app must have loaded the new version
    REWRAPPING = "Rewrapping"  # the app brings what is stored to the new version
    HELD = "Held"  # a legal hold keeps the old version


@dataclass(frozen=True, slots=True)
class Loaded:
    """What every replica of the app has said of itself. `in_use` is empty while unknown."""

    versions: frozenset[int]
    active: int
    in_use: frozenset[int]


@dataclass(frozen=True, slots=True)
class Add:
    """Put the next version into the ring."""


@dataclass(frozen=True, slots=True)
class Record:
    """Write the ids of the ring's live versions into the status: from then on their absence is a loss."""


@dataclass(frozen=True, slots=True)
class Activate:
    number: int


@dataclass(frozen=True, slots=True)
class Retire:
    number: int


@dataclass(frozen=True, slots=True)
class Remove:
    number: int


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing to do until something else happens."""

    stage: Stage


Step = Add | Record | Activate | Retire | Remove | Rest


def next_step(
    ring: KeyRing, loaded: Loaded | None, *, recorded: Collection[int], requested: bool, held: bool = False
) -> Step:
    """The one next step. `loaded` is None while not every replica has answered; `recorded` are the versions in status.

    A version is active only after it is recorded and loaded everywhere; it goes only after nothing uses it, it is
    retired, and its record is gone (or its going would look like a loss).
    """
    live = {number for number, key in ring.keys.items() if key.retired is None}
    if set(recorded) != live:
        return Record()
    if newer := sorted(number for number in live if number > ring.active):
        ready = loaded is not None and set(newer) <= loaded.versions
        return Activate(newer[-1]) if ready else Rest(Stage.DISTRIBUTING)
    if older := sorted(number for number in ring.keys if number < ring.active):
        step = _ending(ring, older, loaded, held=held)
        if step != Rest(Stage.HELD) or not requested:
            return step
    return Add() if requested else Rest(Stage.NONE)


def _ending(ring: KeyRing, older: Sequence[int], loaded: Loaded | None, *, held: bool) -> Step:
    if loaded is None or loaded.active != ring.active:
        return Rest(Stage.DISTRIBUTING)
    if ring.active not in loaded.in_use or loaded.in_use & set(older):
        return Rest(Stage.REWRAPPING)
    if held:
        return Rest(Stage.HELD)
    gone = [number for number in older if ring.keys[number].retired is not None]
    return Remove(gone[0]) if gone else Retire(older[0])


def asked(annotations: Mapping[str, str]) -> str:
    """The token by which a rotation is asked for, of the Organization or as the ring's Secret records it; "" if none."""
    return annotations.get(labels.ROTATE, "")[:_TOKEN_LENGTH]


def due(ring: KeyRing, period: int) -> datetime:
    """When the schedule asks for the next rotation. `period` in seconds, from when the newest version was made."""
    newest = ring.keys[max(ring.keys)]
    return datetime.fromisoformat(newest.created) + timedelta(seconds=period)


def is_requested(ring: KeyRing, *, token: str, handled: str, period: int, now: datetime) -> bool:
    """By a token that was not acted on yet, or by the schedule."""
    return (token not in ("", handled)) or now >= due(ring, period)
