"""The end of an organization, step by step (architecture.md §4). Each step is idempotent and resumable."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from kozutumi_operator.organizations.spec import Organization

DRAIN_LIMIT: Final = timedelta(minutes=2)


class Step(StrEnum):
    """In order. The finalizer goes last, so that a crash anywhere resumes here."""

    STOP_ENDPOINT = "StopEndpoint"  # delete what leads to port 8443
    DRAIN = "Drain"  # POST drain until drained, the app is gone, or DRAIN_LIMIT has passed
    FREEZE = "Freeze"  # delete Deployments, keep keys and data: only where one of the next two holds
    HOLD = "LegalHold"  # wait until spec.legalHold is taken away
    RETAIN = "Retain"  # wait until the deletion is spec.retainFor old
    TAKE_INVENTORY = "TakeInventory"  # write down what there is, before it goes
    DESTROY_KEY_RING = "DestroyKeyRing"  # delete Secret keyring
    STOP_PODS = "StopPods"  # delete Deployments, wait for their pods: they hold the ring in memory
    EMPTY_CONTENT_BUCKET = "EmptyContentBucket"  # incl. unfinished multiparts
    REMOVE_CONTENT_BUCKET = "RemoveContentBucket"
    REMOVE_STORAGE_USER = "RemoveStorageUser"  # access keys, policy, user
    DELETE_NAMESPACE = "DeleteNamespace"  # and wait until it is gone
    AWAIT_VOLUME = "AwaitVolume"  # the provisioner deletes it after its claim is gone
    RECORD = "Record"  # sign the certificate, in ConfigMap disposal-<code> in kozutumi-system
    REMOVE_FINALIZER = "RemoveFinalizer"


WAITING: Final = frozenset({Step.HOLD, Step.RETAIN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Remains:
    """What is left of a deleted organization. None: could not be found out (treated as still there).

    `keeping`: why nothing may be destroyed now, HOLD or RETAIN.
    """

    endpoint: bool
    drained: bool
    key_ring: bool
    pods: bool
    content_objects: bool | None
    content_bucket: bool | None
    storage_user: bool | None
    namespace: bool
    volume: bool
    inventoried: bool
    recorded: bool
    keeping: Step | None = None

    @property
    def something(self) -> bool:
        """Whether anything is left that keeping could keep."""
        left = (self.key_ring, self.pods, self.content_objects, self.content_bucket, self.storage_user, self.namespace)
        return any(each is not False for each in left)


def next_step(remains: Remains) -> Step:
    """The first step whose work is not done."""
    kept = remains.keeping if remains.something else None
    order: tuple[tuple[bool | None, Step], ...] = (
        (remains.endpoint, Step.STOP_ENDPOINT),
        # Without a ring the app can neither take nor give a byte; a drain interrupted there is over.
        (remains.key_ring and not remains.drained, Step.DRAIN),
        (kept is not None and remains.pods, Step.FREEZE),
        (kept is not None, kept or Step.HOLD),
        (not remains.inventoried, Step.TAKE_INVENTORY),
        (remains.key_ring, Step.DESTROY_KEY_RING),
        (remains.pods, Step.STOP_PODS),
        (remains.content_objects, Step.EMPTY_CONTENT_BUCKET),
        (remains.content_bucket, Step.REMOVE_CONTENT_BUCKET),
        (remains.storage_user, Step.REMOVE_STORAGE_USER),
        (remains.namespace, Step.DELETE_NAMESPACE),
        (remains.volume, Step.AWAIT_VOLUME),
        (not remains.recorded, Step.RECORD),
    )
    return next((step for left, step in order if left is not False), Step.REMOVE_FINALIZER)


def retained_until(organization: Organization) -> datetime | None:
    """When the data of a deleted organization may be destroyed; None where it is not to be retained."""
    if organization.deletion_policy != "Retain" or organization.deletion_timestamp is None:
        return None
    return datetime.fromisoformat(organization.deletion_timestamp) + timedelta(seconds=organization.retain_for)


def keeping(organization: Organization, now: datetime) -> Step | None:
    """Why nothing of it may be destroyed now. It follows from the resource alone, so it survives restarts."""
    if organization.legal_hold:
        return Step.HOLD
    until = retained_until(organization)
    return Step.RETAIN if until is not None and now < until else None


def drain_is_over(organization: Organization, now: datetime) -> bool:
    """True once DRAIN_LIMIT has passed since the deletion was asked for: no client can hold it up longer."""
    if organization.deletion_timestamp is None:
        return False
    return now >= datetime.fromisoformat(organization.deletion_timestamp) + DRAIN_LIMIT
