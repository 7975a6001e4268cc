"""Takes a key ring through its rotation. The only code that writes an existing ring, each time by compare-and-set."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kozutumi_contract import keyring, labels
from kozutumi_contract.keyring import KeyRing
from kozutumi_operator.cluster.client import Cluster
from kozutumi_operator.cluster.kinds import SECRET, Object
from kozutumi_operator.manifests import names
from kozutumi_operator.organizations import key_ids, moments, status
from kozutumi_operator.organizations import rotation as stages
from kozutumi_operator.organizations.observed import Observed
from kozutumi_operator.organizations.rotation import Activate, Add, Loaded, Record, Remove, Rest, Retire, Step
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.reconcile.effects import Effect, Effects
from kozutumi_operator.reconcile.memory import Memory
from kozutumi_operator.reconcile.reporting import Reporting

EVENTS: Final[dict[type[Step], tuple[Effect, str, str]]] = {
    Add: (
        Effect.ADD_KEY_VERSION,
        "KeyVersionAdded",
        "is in the key ring; it becomes active when the app has loaded it",
    ),
    Activate: (Effect.ACTIVATE_KEY_VERSION, "KeyVersionActivated", "is active; what is stored is being re-wrapped"),
    Retire: (Effect.RETIRE_KEY_VERSION, "KeyVersionRetired", "is retired: neither a file nor a backup needs it"),
    Remove: (Effect.REMOVE_KEY_VERSION, "KeyVersionRemoved", "is destroyed"),
}


@dataclass(frozen=True, slots=True)
class Rotating:
    cluster: Cluster
    effects: Effects
    reporting: Reporting
    random: Callable[[int], bytes]
    now: Callable[[], datetime]

    async def advance(self, body: Object, organization: Organization, observed: Observed, memory: Memory) -> bool:
        """Perform at most one step; whether the ring was written, so that `observed` is out of date.

        `observed` must hold the namespace's Secrets, and the ring must have passed key_ids.check. Errors: Conflict
        where somebody else wrote the ring meanwhile.
        """
        ring, live = key_ids.found(observed), observed.get("Secret", keyring.SECRET_NAME)
        if ring is None or live is None:
            return False
        token = stages.asked(organization.annotations)
        handled = stages.asked(live["metadata"].get("annotations") or {})
        period, now = organization.rotation_period, self.now()
        step = stages.next_step(
            ring,
            loaded(observed, memory),
            recorded=key_ids.versions(status.recorded_key_ids(body.get("status") or {})),
            requested=stages.is_requested(ring, token=token, handled=handled, period=period, now=now),
            held=bool(organization.legal_hold),
        )
        match step:
            case Rest(stage):
                memory.rotation_stage = stage
                memory.rotation_due = stages.due(ring, period) if stage is stages.Stage.NONE else None
                return False
            case Record():
                await self.reporting.record_key_ids(body, key_ids.of_ring(ring))
                return True
        after, number = self._stepped(ring, step)
        effect, reason, note = EVENTS[type(step)]
        patch = _patch(live, after, token if isinstance(step, Add) else handled)
        metadata = live["metadata"]
        await self.effects.perform(effect, self.cluster.merge(SECRET, metadata["name"], patch, metadata["namespace"]))
        await self.reporting.event(body, reason, f"Key version {number} {note}.", warning=False)
        return True

    def _stepped(self, ring: KeyRing, step: Step) -> tuple[KeyRing, int]:
        now = moments.rfc3339(self.now())
        match step:
            case Activate(number):
                return keyring.activated(ring, number), number
            case Retire(number):
                return keyring.retired(ring, number, now), number
            case Remove(number):
                return keyring.removed(ring, number), number
        grown = keyring.with_new_version(ring, self.random, now)
        return grown, max(grown.keys)


def _patch(live: Object, ring: KeyRing, token: str) -> Object:
    """Compare-and-set of the ring together with the token it acts on, so that one token is acted on once."""
    annotations = {"annotations": {labels.ROTATE: token}} if token else {}
    return {
        "metadata": {"resourceVersion": live["metadata"]["resourceVersion"], **annotations},
        "data": {keyring.SECRET_KEY: base64.b64encode(keyring.serialize(ring)).decode()},
    }


def loaded(observed: Observed, memory: Memory) -> Loaded | None:
    """What the app says of its keys, if it speaks for every replica: one runs, and no rollout is under way.

    With several replicas each would have to be asked by itself.
    """
    deployment = observed.get("Deployment", names.APP) or {}
    state, wanted = deployment.get("status") or {}, (deployment.get("spec") or {}).get("replicas", 1)
    counts = {wanted, *(state.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas"))}
    tenant = memory.tenant
    if counts != {1} or tenant is None or memory.tenant_failure is not None:
        return None
    return Loaded(frozenset(tenant.key_versions), tenant.active_key, frozenset(tenant.key_versions_in_use))
