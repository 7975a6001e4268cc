"""The key ring: made once, recorded, rotated, never made again."""

from __future__ import annotations

from kozutumi_contract import keyring
from kozutumi_operator.cluster.client import AlreadyExists
from kozutumi_operator.cluster.kinds import Object
from kozutumi_operator.manifests import secret
from kozutumi_operator.organizations import key_ids, moments, status
from kozutumi_operator.organizations.observed import Observed
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.reconcile.effects import Effect
from kozutumi_operator.reconcile.memory import Memory
from kozutumi_operator.reconcile.rotation import Rotating


async def ensure(
    body: Object, organization: Organization, observed: Observed, memory: Memory, rotating: Rotating
) -> bool:
    """Whether a ring was made or written, so that what was observed is out of date.

    Raises KeyRingLost where a recorded key is gone. `observed` must hold the namespace's Secrets.
    """
    ring = key_ids.found(observed)
    key_ids.check(status.recorded_key_ids(body.get("status") or {}), ring)
    if ring is not None:
        return await rotating.advance(body, organization, observed, memory)
    now = moments.rfc3339(rotating.now())
    made = keyring.generate(rotating.random, now)
    try:
        creating = rotating.cluster.create(secret.key_ring(organization, made))
        await rotating.effects.perform(Effect.CREATE_KEY_RING, creating)
    except AlreadyExists:
        return True
    await rotating.reporting.record_key_ids(body, key_ids.of_ring(made))
    return True
