"""The key ring that the process uses now. It is exchanged as a whole while requests run (see use_cases.rotation)."""

from __future__ import annotations

from kozutumi_app.crypto.columns import Columns
from kozutumi_contract.keyring import KeyRing


class LiveKeys:
    """`ring` and `columns` always belong together; a caller that needs both of one moment reads `ring` once."""

    def __init__(self, ring: KeyRing) -> None:
        self._state = (ring, Columns(ring))

    @property
    def ring(self) -> KeyRing:
        return self._state[0]

    @property
    def columns(self) -> Columns:
        return self._state[1]

    def use(self, ring: KeyRing) -> None:
        """From now on. What was sealed before stays readable as long as `ring` holds its key version."""
        self._state = (ring, Columns(ring))
