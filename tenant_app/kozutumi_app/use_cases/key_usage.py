"""Which key versions the stored data needs, and the floor below which nothing may be sealed any more.

The floor is the highest version that any process of this organization has used as active. It is raised in the
write transaction that begins a re-wrapping, so what that pass has seen once stays done.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Final

from sqlalchemy import Connection

from kozutumi_app.crypto.live_keys import LiveKeys
from kozutumi_app.errors import KeysOutOfDate
from kozutumi_app.use_cases import settings_store
from kozutumi_contract.keyring import KeyRing

_FLOOR: Final = "key_floor"
_REWRAPPED_TO: Final = "keys_rewrapped_to"
_PROGRESS: Final = "keys_rewrap_progress"
_HISTORY: Final = "keys_history"

ADDED, ACTIVATED, RETIRED, REMOVED = "added", "activated", "retired", "removed"
_ORDER: Final = (ADDED, ACTIVATED, RETIRED, REMOVED)


@dataclass(frozen=True, slots=True)
class Progress:
    """Of re-wrapping to `version`: files and sealed rows."""

    version: int = 0
    total: int = 0
    done: int = 0


def in_use(tx: Connection, ring: KeyRing) -> list[int]:
    """Versions that a file or a row may need. Old ones count until a whole pass of re-wrapping has ended.

    Retained backups, once there are any, add the versions that they were made under.
    """
    if rewrapped_to(tx) == ring.active:
        return [ring.active]
    return sorted(number for number in ring.keys if number <= ring.active)


def floor(tx: Connection) -> int:
    return int(settings_store.get(tx, _FLOOR) or 0)


def raise_floor(tx: Connection, version: int) -> None:
    if version > floor(tx):
        settings_store.put(tx, _FLOOR, str(version))


def require_current(tx: Connection, version: int) -> None:
    """Raise KeysOutOfDate for a file key that was wrapped before the floor rose: no pass would find it."""
    if version < floor(tx):
        raise KeysOutOfDate


def guard(keys: LiveKeys, tx: Connection) -> None:
    """At the beginning of each write: a process that lags behind another takes up the active version, or writes nothing."""
    lowest = floor(tx)
    if keys.ring.active >= lowest:
        return
    if lowest not in keys.ring.keys:
        raise KeysOutOfDate
    keys.use(replace(keys.ring, active=lowest))


def rewrapped_to(tx: Connection) -> int:
    """Version to which everything stored was re-wrapped; 0 before the first rotation."""
    return int(settings_store.get(tx, _REWRAPPED_TO) or 0)


def set_rewrapped_to(tx: Connection, version: int) -> None:
    settings_store.put(tx, _REWRAPPED_TO, str(version))


def progress(tx: Connection) -> Progress:
    stored = settings_store.get(tx, _PROGRESS)
    return Progress(**json.loads(stored)) if stored else Progress()


def set_progress(tx: Connection, current: Progress) -> None:
    settings_store.put(tx, _PROGRESS, json.dumps(asdict(current)))


def history(tx: Connection) -> dict[int, str]:
    """How far each version has come, as this database has been told."""
    stored = json.loads(settings_store.get(tx, _HISTORY) or "{}")
    return {int(number): state for number, state in stored.items()}


def set_history(tx: Connection, states: Mapping[int, str]) -> None:
    settings_store.put(tx, _HISTORY, json.dumps({str(number): state for number, state in states.items()}))


def advances(known: Mapping[int, str], ring: KeyRing) -> dict[int, str]:
    """What `ring` adds to the history. Nothing goes back: a process with an older ring has nothing to tell."""
    newest = max(ring.keys)
    told = {number: _state(ring, number) for number in ring.keys}
    told |= {number: REMOVED for number in known if number not in ring.keys and number < newest}
    return {
        number: state
        for number, state in sorted(told.items())
        if number not in known or _ORDER.index(state) > _ORDER.index(known[number])
    }


def _state(ring: KeyRing, number: int) -> str:
    if ring.keys[number].retired is not None:
        return RETIRED
    return ACTIVATED if number == ring.active else ADDED
