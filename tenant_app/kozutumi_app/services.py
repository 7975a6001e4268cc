"""What a use case is given: settings, stores, peers, clock and randomness, built once in `__main__`."""

from __future__ import annotations

from dataclasses import dataclass, field

from kozutumi_app.adapters.database.engine import Database
from kozutumi_app.adapters.metrics import Metrics
from kozutumi_app.crypto.columns import Columns
from kozutumi_app.crypto.live_keys import LiveKeys
from kozutumi_app.domain.memory_budget import MemoryBudget
from kozutumi_app.domain.passwords import PasswordHasher
from kozutumi_app.domain.ports import Archive, Blobs, Clock, Mailer, Random, Scanner
from kozutumi_app.domain.rate_limits import FailureCounts, RateLimiter
from kozutumi_contract.keyring import KeyRing
from kozutumi_contract.secret import Secret
from kozutumi_contract.settings import AppSettings


@dataclass(frozen=True, slots=True)
class Services:
    settings: AppSettings
    database: Database
    keys: LiveKeys
    session_key: Secret[bytes]
    blobs: Blobs
    archive: Archive
    scanner: Scanner
    mailer: Mailer
    clock: Clock
    random: Random
    budget: MemoryBudget
    passwords: PasswordHasher
    limits: RateLimiter
    failures: FailureCounts = field(default_factory=FailureCounts)
    metrics: Metrics = field(default_factory=Metrics)

    @property
    def keyring(self) -> KeyRing:
        return self.keys.ring

    @property
    def columns(self) -> Columns:
        return self.keys.columns
