"""When an organization's access key is replaced: a second key, then the app's word that it uses it, then one key."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from kozutumi_contract import access_key, labels
from kozutumi_operator.organizations.facts import TenantStatus
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.organizations.storage_credential import StorageRecord

# The kubelet puts a changed Secret into each pod within a minute and a bit; only one replica is asked.
SETTLE: Final = timedelta(minutes=2)
UNTOLD: Final = timedelta(hours=1)


class Stage(StrEnum):
    KEEP = "Keep"
    BEGIN = "Begin"  # make a second key and hand it out
    WAIT = "Wait"  # both keys work
    FINISH = "Finish"  # take the first one away


def stage(
    organization: Organization, record: StorageRecord | None, tenant: TenantStatus | None, now: datetime
) -> Stage:
    """`tenant`: what the app last told, None if it did not."""
    if record is None:
        return Stage.KEEP
    if record.retiring:
        return Stage.FINISH if _is_taken_up(organization, record, tenant, now) else Stage.WAIT
    wanted = organization.annotations.get(labels.ROTATE_STORAGE, "")
    if (wanted and wanted != record.token) or _is_old(organization, record, now):
        return Stage.BEGIN
    return Stage.KEEP


def _is_taken_up(organization: Organization, record: StorageRecord, tenant: TenantStatus | None, now: datetime) -> bool:
    if organization.suspend:
        return True  # no pod is there to use either
    since = now - _created(record, now)
    if tenant is None or not tenant.storage.ok:
        return False
    if tenant.storage_credential is None:  # an app of a release that does not tell
        return since >= UNTOLD
    return since >= SETTLE and tenant.storage_credential == access_key.fingerprint(record.credential.access_key_id)


def _is_old(organization: Organization, record: StorageRecord, now: datetime) -> bool:
    period = organization.rotation_period
    return period > 0 and now - _created(record, now) >= timedelta(seconds=period)


def _created(record: StorageRecord, now: datetime) -> datetime:
    """An unknown or unreadable time counts as now: it is written anew with the next look."""
    try:
        return datetime.fromisoformat(record.created)
    except ValueError:
        return now
