"""Following the mounted key ring while the process runs (architecture.md §5): each new one is checked, recorded, used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import structlog
from sqlalchemy import Connection

from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit, jobs, key_usage, rewrap
from kozutumi_contract import keyring
from kozutumi_contract.keyring import KeyRing, KeyRingError

OPERATOR = "operator"
log = structlog.get_logger()


class KeyFollower:
    """`read` gives the mounted keyring.json."""

    def __init__(self, services: Services, read: Callable[[], bytes]) -> None:
        self._services, self._read = services, read
        self._seen = b""

    def start(self) -> None:
        """Before anything is served; from then on, no write of this process goes below the key floor.

        Raises KeyRingError for a ring that the stored data cannot be used with.
        """
        self._look()
        self._services.database.guard = partial(key_usage.guard, self._services.keys)

    def look(self) -> None:
        """Take up a changed ring; one that is damaged or does not continue the present one is reported and not used."""
        try:
            self._look()
        except (OSError, KeyRingError) as error:
            log.error("keys.kept_old", reason=str(error))  # noqa: TRY400 - one line; a ring's error shows no key

    def _look(self) -> None:
        data = self._read()
        if data != self._seen:
            adopt(self._services, keyring.parse(data))
            self._seen = data


def adopt(services: Services, ring: KeyRing) -> None:
    """Use `ring` from now on, record in the audit log what is new about it, and ask for re-wrapping where it is due.

    KeyRingError where it is not a later state of what this organization has used.
    """
    _require_successor(services.keyring, ring)
    with services.database.write(guarded=False) as tx:
        known = key_usage.history(tx)
        current = _raised(ring, key_usage.floor(tx))
        _require_needed(tx, current, set(known))
        advances = key_usage.advances(known, ring)
        if advances:
            key_usage.set_history(tx, known | advances)
        if known:  # the first ring is no rotation
            _record(tx, services, advances)
        key_usage.raise_floor(tx, current.active)
        if len(key_usage.in_use(tx, current)) > 1:
            jobs.enqueue(tx, rewrap.KIND, rewrap.SUBJECT, services.clock.now())
        # Inside the transaction: nothing can be sealed between the raised floor and the key that goes with it.
        services.keys.use(current)
    log.info("keys.loaded", versions=sorted(current.keys), active=current.active)


def _record(tx: Connection, services: Services, advances: dict[int, str]) -> None:
    for number, state in advances.items():
        details = {"version": str(number)}
        audit.append(
            tx, services, type=f"key.version_{state}", actor_id=OPERATOR, object_id=f"key-{number}", details=details
        )


def _raised(ring: KeyRing, floor: int) -> KeyRing:
    """A volume that is mounted a little late may name the version before as active."""
    if ring.active >= floor:
        return ring
    if floor not in ring.keys:
        raise KeyRingError(
            f"the key ring is older than the data, which needs key version {floor}; restore the newer ring"
        )
    return replace(ring, active=floor)


def _require_needed(tx: Connection, ring: KeyRing, known: set[int]) -> None:
    if key_usage.rewrapped_to(tx) == ring.active:
        return
    removed = {number for number, state in key_usage.history(tx).items() if state == key_usage.REMOVED}
    missing = sorted(number for number in known - removed - set(ring.keys) if number <= ring.active)
    if missing:
        raise KeyRingError(
            f"the key ring lacks version {missing[0]}, which stored data needs; restore it from its escrow"
        )


def _require_successor(before: KeyRing, after: KeyRing) -> None:
    same = before.index == after.index and before.audit == after.audit
    if not same or any(
        before.keys[number].key != after.keys[number].key for number in before.keys.keys() & after.keys.keys()
    ):
        raise KeyRingError("the key ring is another one than before; restore the organization's own")
