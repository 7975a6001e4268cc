"""Every side effect goes through `Effects.perform`, under a name.

So the list below is complete, and a test can kill the operator right after any one of them.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar

import structlog

T = TypeVar("T")
CRASH_EACH: Final = "*"

log = structlog.get_logger()


class Effect(StrEnum):
    ADD_FINALIZER = "AddFinalizer"
    APPLY_NAMESPACE = "ApplyNamespace"
    APPLY_ROLE_BINDING = "ApplyRoleBinding"
    APPLY_RESOURCE_QUOTA = "ApplyResourceQuota"
    APPLY_LIMIT_RANGE = "ApplyLimitRange"
    APPLY_NETWORK_POLICY = "ApplyNetworkPolicy"
    APPLY_SERVICE_ACCOUNT = "ApplyServiceAccount"
    APPLY_SECRET = "ApplySecret"  # noqa: S105 - the name of an act
    APPLY_CONFIG_MAP = "ApplyConfigMap"
    APPLY_PERSISTENT_VOLUME_CLAIM = "ApplyPersistentVolumeClaim"
    APPLY_SERVICE = "ApplyService"
    APPLY_DEPLOYMENT = "ApplyDeployment"
    APPLY_POD_DISRUPTION_BUDGET = "ApplyPodDisruptionBudget"
    APPLY_INGRESS = "ApplyIngress"
    APPLY_HTTP_ROUTE = "ApplyHTTPRoute"
    APPLY_BACKEND_TLS_POLICY = "ApplyBackendTLSPolicy"
    APPLY_LISTENER_SET = "ApplyListenerSet"
    APPLY_CERTIFICATE = "ApplyCertificate"
    STRIP_FIELDS = "StripFields"
    DELETE_EXTRA = "DeleteExtra"
    CREATE_KEY_RING = "CreateKeyRing"
    ADD_KEY_VERSION = "AddKeyVersion"
    ACTIVATE_KEY_VERSION = "ActivateKeyVersion"
    RETIRE_KEY_VERSION = "RetireKeyVersion"
    REMOVE_KEY_VERSION = "RemoveKeyVersion"
    TELL_CHANGE = "TellChange"
    CREATE_CONTENT_BUCKET = "CreateContentBucket"
    CREATE_ARCHIVE_BUCKET = "CreateArchiveBucket"
    SET_BUCKET_VERSIONING = "SetBucketVersioning"
    SET_BUCKET_POLICY = "SetBucketPolicy"
    SET_BUCKET_RETENTION = "SetBucketRetention"
    PURGE_OLD_VERSIONS = "PurgeOldVersions"
    CREATE_STORAGE_USER = "CreateStorageUser"
    SET_STORAGE_USER_POLICY = "SetStorageUserPolicy"
    CREATE_ACCESS_KEY = "CreateAccessKey"
    CREATE_SECOND_ACCESS_KEY = "CreateSecondAccessKey"
    REMOVE_ACCESS_KEY = "RemoveAccessKey"
    RETIRE_ACCESS_KEY = "RetireAccessKey"
    INVITE_ADMINISTRATORS = "InviteAdministrators"
    CREATE_PROBE_POD = "CreateProbePod"
    DELETE_PROBE_POD = "DeleteProbePod"
    NOTE_RELEASE = "NoteRelease"
    WRITE_STATUS = "WriteStatus"
    WRITE_PLAN_STATUS = "WritePlanStatus"
    CREATE_EVENT = "CreateEvent"
    STOP_ENDPOINT = "StopEndpoint"
    DRAIN = "Drain"
    DESTROY_KEY_RING = "DestroyKeyRing"
    STOP_PODS = "StopPods"
    EMPTY_CONTENT_BUCKET = "EmptyContentBucket"
    REMOVE_CONTENT_BUCKET = "RemoveContentBucket"
    REMOVE_ARCHIVE_BUCKET = "RemoveArchiveBucket"
    EXPIRE_ARCHIVE = "ExpireArchive"
    MOVE_ARCHIVE_DATE = "MoveArchiveDate"
    REMOVE_STORAGE_USER_POLICY = "RemoveStorageUserPolicy"
    REMOVE_STORAGE_USER = "RemoveStorageUser"
    DELETE_NAMESPACE = "DeleteNamespace"
    ADD_GRANT_FINALIZER = "AddGrantFinalizer"
    REMOVE_GRANT_FINALIZER = "RemoveGrantFinalizer"
    AUDIT_GRANT = "AuditGrant"
    BIND_GRANT = "BindGrant"
    UNBIND_GRANT = "UnbindGrant"
    WRITE_GRANT_STATUS = "WriteGrantStatus"
    PUSH_ANNOUNCEMENT = "PushAnnouncement"
    WITHDRAW_ANNOUNCEMENT = "WithdrawAnnouncement"
    WRITE_ANNOUNCEMENT_STATUS = "WriteAnnouncementStatus"
    RECORD_INVENTORY = "RecordInventory"
    NOTE_DESTROYED = "NoteDestroyed"
    RECORD_DISPOSAL = "RecordDisposal"
    REMOVE_FINALIZER = "RemoveFinalizer"


NAMES: Final = tuple(effect.value for effect in Effect)


def applying(kind: str) -> Effect:
    """The effect of applying an object of `kind`. ValueError for a kind that has none."""
    return Effect(f"Apply{kind}")


class Effects:
    """Performs side effects. `after` runs right after each that succeeded; it is how a test gets in."""

    def __init__(self, after: Callable[[Effect], None] = lambda _: None) -> None:
        self._after = after

    async def perform(self, effect: Effect, doing: Awaitable[T]) -> T:
        result = await doing
        self._after(effect)
        return result


def crash_hook(names: str, markers: Path) -> Callable[[Effect], None]:
    """For tests: SIGKILL this process the first time that each named effect has happened ("*": any).

    The markers say which have had their turn; they must outlive the process (an emptyDir does).
    """
    wanted = set(NAMES) if names == CRASH_EACH else set(names.split(","))
    if unknown := wanted - set(NAMES):
        raise ValueError(f"KOZUTUMI_CRASH_AFTER names no effect: {', '.join(sorted(unknown))}")
    markers.mkdir(parents=True, exist_ok=True)

    def crash(effect: Effect) -> None:
        marker = markers / effect.value
        if effect.value in wanted and not marker.exists():
            marker.touch()
            log.warning("test_hook_crash", effect=effect.value)
            os.kill(os.getpid(), signal.SIGKILL)

    return crash
