"""Keeps the record of a disposal in step with it, and signs it at the end."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from kozutumi_contract import disposal_certificate, labels
from kozutumi_operator.cluster.client import Cluster
from kozutumi_operator.cluster.kinds import CONFIG_MAP, PERSISTENT_VOLUME, Object
from kozutumi_operator.errors import VolumeKept
from kozutumi_operator.organizations import disposal_record, moments
from kozutumi_operator.organizations.disposal import Remains
from kozutumi_operator.organizations.disposal_record import CERTIFICATE, INVENTORY, PROGRESS, Kept
from kozutumi_operator.organizations.observed import Observed
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.reconcile.effects import Effect, Effects


@dataclass(slots=True, kw_only=True)
class Records:
    """`signer` reads the key anew each time; it raises SignerMissing where there is none that can be used."""

    cluster: Cluster
    effects: Effects
    signer: Callable[[], ec.EllipticCurvePrivateKey]
    now: Callable[[], datetime]
    etcd_backup_days: int
    operator: str

    async def find(self, organization: Organization) -> Object | None:
        name = disposal_record.record_name(organization.name)
        return await self.cluster.get(CONFIG_MAP, name, labels.SYSTEM_NAMESPACE)

    async def volume_is_left(self, record: Object | None) -> bool:
        """Raises VolumeKept for one that the provisioner will not delete: it is never told as destroyed."""
        for name in disposal_record.volumes(record):
            volume = await self.cluster.get(PERSISTENT_VOLUME, name)
            if volume is None:
                continue
            if volume["spec"].get("persistentVolumeReclaimPolicy") != "Delete":
                raise VolumeKept(
                    f"PersistentVolume {name} is kept by its reclaim policy; delete it and what it holds. "
                    "It cannot be read any more: its keys are destroyed."
                )
            return True
        return False

    async def begin(self, organization: Organization, inventory: Mapping[str, Any]) -> None:
        """Written before anything is destroyed, so that a restart does not forget what there was."""
        record = disposal_record.config_map(organization, {INVENTORY: _json(inventory)}, {})
        await self.effects.perform(Effect.RECORD_INVENTORY, self.cluster.apply(record))

    async def note(self, organization: Organization, record: Object, remains: Remains, observed: Observed) -> None:
        """Write down what is gone since the last time, and a volume that a claim was given after the inventory."""
        noted, inventory = (disposal_record.parsed(record, entry) for entry in (PROGRESS, INVENTORY))
        moment, changed = moments.rfc3339(self.now()), {}
        new = {thing: moment for thing in disposal_record.found_gone(remains) if thing not in noted}
        if new:
            changed[PROGRESS] = _json(noted | new)
        claimed = disposal_record.claimed(observed)
        if any(each["volume"] for each in claimed) and claimed != inventory["volumes"]:
            changed[INVENTORY] = _json(inventory | {"volumes": claimed})
        if changed:
            await self._merge(Effect.NOTE_DESTROYED, organization, changed, {})

    async def finish(self, organization: Organization, body: Object, record: Object, kept: Kept | None) -> None:
        document = disposal_record.document(
            organization,
            body,
            record,
            kept,
            now=self.now(),
            etcd_backup_days=self.etcd_backup_days,
            operator=self.operator,
        )
        sealed = disposal_certificate.seal(document, self.signer()).decode()
        annotations = {} if kept is None else {labels.ARCHIVE_BUCKET: kept.bucket}
        if kept is not None and kept.until is not None:
            annotations[labels.ARCHIVE_UNTIL] = moments.rfc3339(kept.until)
        await self._merge(Effect.RECORD_DISPOSAL, organization, {CERTIFICATE: sealed}, annotations)

    async def _merge(
        self, effect: Effect, organization: Organization, data: Mapping[str, str], annotations: Mapping[str, str]
    ) -> None:
        patch: Object = {"data": dict(data), "metadata": {"annotations": dict(annotations)}}
        name = disposal_record.record_name(organization.name)
        await self.effects.perform(effect, self.cluster.merge(CONFIG_MAP, name, patch, labels.SYSTEM_NAMESPACE))


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)
