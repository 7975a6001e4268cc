"""What the operator remembers of one organization between two looks. All of it can be found out again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from kozutumi_operator.errors import OperatorError
from kozutumi_operator.organizations.audit_watch import Watched
from kozutumi_operator.organizations.consent import View
from kozutumi_operator.organizations.facts import Facts, Isolation, StorageState, TenantStatus
from kozutumi_operator.organizations.rotation import Stage
from kozutumi_operator.organizations.sleeping import Rest


@dataclass(slots=True)
class Memory:
    """Times are of the operator's clock. `…_for` is a fingerprint of what the remembered result was found out for."""

    storage: StorageState | None = None
    storage_failure: OperatorError | None = None
    storage_checked: datetime | None = None
    storage_for: str = ""
    storage_rotating: bool = False
    tenant: TenantStatus | None = None
    tenant_clock: float | None = None  # seconds that the app's clock was ahead
    clock_skewed: bool = False
    audit: Watched | None = None  # None: not yet taken up from the status
    audit_told: str = ""  # hash of the lost head that the app was told of
    store_skewed: bool = False
    tenant_failure: OperatorError | None = None
    isolation: Isolation | None = None
    isolation_failure: OperatorError | None = None
    isolation_for: str = ""
    isolation_due: datetime | None = None
    invited: datetime | None = None
    invited_whom: tuple[str, ...] = ()
    rotation_stage: Stage = Stage.NONE
    rotation_due: datetime | None = None
    consent: View | None = None
    # By change id, the approved AccessGrant that names it.
    granted_changes: Mapping[str, str] = field(default_factory=dict)
    scanner_rests: Rest | None = None  # None: an operator that started anew has not looked yet
    scanner_rests_since: datetime | None = None
    sleeps_after: int | None = None
    drained: bool = False
    disposal_step: str = ""
    code_is_free: bool = False
    conditions: Sequence[Mapping[str, str]] = ()  # as last written


@dataclass(slots=True)
class Memories:
    """By service code. `foreign` are those that another shard's operator looks after."""

    all: dict[str, Memory] = field(default_factory=dict)
    foreign: set[str] = field(default_factory=set)

    def of(self, name: str) -> Memory:
        return self.all.setdefault(name, Memory())

    def forget(self, name: str) -> None:
        self.all.pop(name, None)

    def note(self, body: Mapping[str, Any]) -> None:
        """Remember the conditions that the organization's status shows now."""
        if (memory := self.all.get(body["metadata"]["name"])) is not None:
            memory.conditions = (body.get("status") or {}).get("conditions") or ()


def with_memory(facts: Facts, memory: Memory) -> Facts:
    return replace(
        facts,
        storage=memory.storage,
        storage_failure=memory.storage_failure,
        tenant=memory.tenant,
        tenant_failure=memory.tenant_failure,
        rotation_stage=memory.rotation_stage,
        consent=memory.consent,
        isolation=memory.isolation,
        audit=memory.audit,
        isolation_failure=memory.isolation_failure,
        scanner_rests=memory.scanner_rests or Rest.AWAKE,
    )
