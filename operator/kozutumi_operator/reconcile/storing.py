"""When an organization's storage is looked at in a look, what is repaired there, and how far a new key has come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from kozutumi_operator.cluster.kinds import Object
from kozutumi_operator.errors import OperatorError
from kozutumi_operator.organizations import storage_rotation
from kozutumi_operator.organizations.facts import StorageState
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.organizations.storage_credential import StorageRecord
from kozutumi_operator.organizations.storage_rotation import Stage
from kozutumi_operator.platform import PlatformSettings
from kozutumi_operator.reconcile.memory import Memory
from kozutumi_operator.reconcile.reporting import Reporting
from kozutumi_operator.reconcile.storage import Storage, fingerprint
from kozutumi_operator.reconcile.storage_checks import StorageChecks

CHECK: Final = timedelta(minutes=10)
RETRY: Final = timedelta(seconds=20)
WHILE_ROTATING: Final = 15.0  # seconds
_TOLD: Final = {
    Stage.BEGIN: ("StorageKeyRotating", "A second access key was made; the first one goes when the app uses it."),
    Stage.FINISH: ("StorageKeyRotated", "The app uses the new access key; the old one was deleted."),
}
log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Storing:
    storage: Storage
    checks: StorageChecks
    platform: PlatformSettings
    reporting: Reporting
    now: Callable[[], datetime]

    async def look(
        self, body: Object, organization: Organization, recorded: StorageRecord | None, memory: Memory
    ) -> StorageRecord | None:
        """What the organization's Secret shall hold. Looks when something may have changed, else at an interval."""
        now = self.now()
        tenant = memory.tenant if memory.tenant_failure is None else None
        stage = storage_rotation.stage(organization, recorded, tenant, now)
        if not is_due(memory, fingerprint(organization, self.platform, recorded, stage), now):
            return recorded
        repaired: list[str] = []
        try:
            ensured = await self.storage.ensure(organization, recorded, now=now, stage=stage, repaired=repaired)
        except OperatorError as error:
            memory.storage_failure = error
            memory.storage_checked = self.now()
            log.warning("storage", service_code=organization.name, error=str(error))
            return recorded
        finally:
            if recorded is not None:  # without one the organization is being made, and nothing was there to repair
                await self.reporting.repaired(body, repaired)
        await self._tell(body, organization, stage)
        return self._remember(organization, ensured.record, ensured.state, memory, now)

    def _remember(
        self, organization: Organization, record: StorageRecord, state: StorageState, memory: Memory, now: datetime
    ) -> StorageRecord:
        memory.storage, memory.storage_failure, memory.storage_checked = state, None, now
        memory.storage_rotating = bool(record.retiring)
        self.checks.keep(organization, record)
        tenant = memory.tenant if memory.tenant_failure is None else None
        stage = storage_rotation.stage(organization, record, tenant, now)
        memory.storage_for = fingerprint(organization, self.platform, record, stage)
        return record

    async def _tell(self, body: Object, organization: Organization, stage: Stage) -> None:
        if stage in _TOLD:
            reason, note = _TOLD[stage]
            log.info("storage_key", service_code=organization.name, stage=stage.value)
            await self.reporting.event(body, reason, note, warning=False)


def is_due(memory: Memory, current: str, now: datetime) -> bool:
    """After a failure not at once again: a store that is away must not keep the workers from repairing the cluster."""
    if memory.storage_checked is None or (current != memory.storage_for and memory.storage_failure is None):
        return True
    since = now - memory.storage_checked
    ailing = memory.storage_failure is not None or (memory.tenant is not None and not memory.tenant.storage.ok)
    return since >= (RETRY if ailing else CHECK)
