"""Performs the actions of a plan."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

import structlog

from kozutumi_operator.cluster.client import Cluster
from kozutumi_operator.cluster.kinds import MANAGED, PERSISTENT_VOLUME_CLAIM, Kind, Object
from kozutumi_operator.errors import ApplyRefused, VolumeRefused
from kozutumi_operator.organizations.decide import Action, Apply, Delete, Strip, Wait
from kozutumi_operator.organizations.observed import Key
from kozutumi_operator.reconcile.effects import Effect, Effects, applying

log = structlog.get_logger()
_KINDS = {(kind.api_version, kind.name): kind for kind in MANAGED}


async def perform(
    cluster: Cluster, effects: Effects, service_code: str, actions: Sequence[Action], *, repaired: list[str]
) -> None:
    """Perform in order, stopping at the first error. Adds to `repaired` what was, for Events: also before an error.

    Raises VolumeRefused at the end, when all else is done.
    """
    stuck = None
    for action in actions:
        try:
            repair = await _perform(cluster, effects, action)
        except VolumeRefused as error:
            stuck = error
            continue
        if repair is not None:
            log.info("repaired", service_code=service_code, what=repair)
            repaired.append(repair)
    if stuck is not None:
        raise stuck


async def _perform(cluster: Cluster, effects: Effects, action: Action) -> str | None:
    match action:
        case Apply(object=wanted, drifted=drifted):
            await _told_of_its_volume(effects.perform(applying(wanted["kind"]), cluster.apply(wanted)), wanted)
            return f"{wanted['kind']} {wanted['metadata']['name']}: {drifted}" if drifted else None
        case Strip(key=key, patch=patch):
            patching = cluster.patch(kind_of(key), key.name, patch, key.namespace)
            await effects.perform(Effect.STRIP_FIELDS, patching)
            return f"{key.kind} {key.name}: removed what others added"
        case Delete(key=key, uid=uid):
            await effects.perform(Effect.DELETE_EXTRA, cluster.delete(kind_of(key), key.name, key.namespace, uid=uid))
            return f"{key.kind} {key.name}: removed"
        case Wait():
            return None


def is_volume(action: Action) -> bool:
    return isinstance(action, Apply) and action.object["kind"] == PERSISTENT_VOLUME_CLAIM.name


async def _told_of_its_volume(applied: Awaitable[Object], wanted: Object) -> None:
    try:
        await applied
    except ApplyRefused as error:
        if wanted["kind"] != PERSISTENT_VOLUME_CLAIM.name:
            raise
        size = wanted["spec"]["resources"]["requests"]["storage"]
        raise VolumeRefused(
            f"The volume cannot be of {size}, and stays as it is: {error} Use a StorageClass with allowVolumeExpansion, "
            "or set KOZUTUMI_DATABASE_VOLUME back."
        ) from error


def kind_of(key: Key) -> Kind:
    return _KINDS[key.api_version, key.kind]
