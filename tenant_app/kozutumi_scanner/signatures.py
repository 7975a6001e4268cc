"""What the agent knows about the engine beside it: is it up, what has it loaded, does it find EICAR, how old is that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from kozutumi_scanner import databases
from kozutumi_scanner.databases import Fingerprint
from kozutumi_scanner.manifest import Manifest

_CLOCK_TOLERANCE: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What clamd had when it last passed the self-test."""

    fingerprint: Fingerprint
    digests: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class View:
    """One moment's knowledge. `loaded` is None until EICAR was found since clamd last loaded."""

    names: tuple[str, ...]
    clamd_up: bool = False
    loaded: Loaded | None = None
    manifest: Manifest | None = None
    trouble: str = "clamd was not reached yet"

    def down(self, trouble: str) -> View:
        return replace(self, clamd_up=False, loaded=None, trouble=trouble)

    def self_test_failed(self, trouble: str) -> View:
        return replace(self, clamd_up=True, loaded=None, trouble=trouble)

    def verified(self, loaded: Loaded) -> View:
        return replace(self, clamd_up=True, loaded=loaded, trouble="")

    def known(self) -> Manifest | None:
        """The manifest, if it lists exactly what clamd has loaded; otherwise the signatures' age is unknown."""
        if self.manifest and self.loaded and databases.match(self.manifest, self.loaded.digests, self.names):
            return self.manifest
        return None

    def age(self, now: datetime) -> int | None:
        """Seconds since the loaded signatures were known to be the newest; None if unknown, also for a future time."""
        known = self.known()
        if known is None or known.published > now + _CLOCK_TOLERANCE:
            return None
        return max(0, int((now - known.published).total_seconds()))

    def message(self) -> str:
        if self.trouble:
            return self.trouble
        if self.known() is None:
            return "the mirror's manifest does not list the loaded signatures (yet); their age is unknown"
        return "ok"
