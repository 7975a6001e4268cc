"""One look at one organization: gather → decide → apply → report."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import structlog

from kozutumi_contract import labels
from kozutumi_operator.cluster.client import Cluster
from kozutumi_operator.cluster.kinds import CONFIG_MAP, ORGANIZATION, Object
from kozutumi_operator.errors import KeyRingLost, OperatorError, Refused, SpecRefused, VolumeRefused
from kozutumi_operator.manifests import names, secret
from kozutumi_operator.organizations import (
    bucket_names,
    desired,
    disposal_record,
    endpoint_support,
    materials,
    public_certificate,
    status,
    storage_credential,
)
from kozutumi_operator.organizations.decide import Action, Apply, Wait, plan
from kozutumi_operator.organizations.facts import Facts
from kozutumi_operator.organizations.materials import PlatformAuthority
from kozutumi_operator.organizations.observed import observe
from kozutumi_operator.organizations.reasons import Reason
from kozutumi_operator.organizations.resolution import Resolved
from kozutumi_operator.organizations.sleeping import Rest
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.organizations.storage_credential import StorageRecord
from kozutumi_operator.platform import PlatformSettings
from kozutumi_operator.reconcile import (
    apply,
    audit_watching,
    inviting,
    keys,
    next_look,
    probing,
    resting,
    telling_clocks,
)
from kozutumi_operator.reconcile.consenting import Consenting
from kozutumi_operator.reconcile.disposing import Disposing
from kozutumi_operator.reconcile.effects import Effect, Effects
from kozutumi_operator.reconcile.fleet import Fleet
from kozutumi_operator.reconcile.following import Following
from kozutumi_operator.reconcile.gather import Gathered, gather
from kozutumi_operator.reconcile.isolation import Isolating
from kozutumi_operator.reconcile.memory import Memories, Memory, with_memory
from kozutumi_operator.reconcile.reporting import Reporting
from kozutumi_operator.reconcile.resolving import Resolving
from kozutumi_operator.reconcile.rotation import Rotating
from kozutumi_operator.reconcile.secret_watch import SecretWatches
from kozutumi_operator.reconcile.storage import Storage
from kozutumi_operator.reconcile.storage_checks import StorageChecks
from kozutumi_operator.reconcile.storing import Storing

MOST_ROUNDS: Final = 8
_FIRST: Final = frozenset({"Namespace", "RoleBinding"})

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Parts:
    """Everything a look needs, wired once in `__main__`."""

    cluster: Cluster
    platform: PlatformSettings
    authority: Callable[[], PlatformAuthority]
    effects: Effects
    memories: Memories
    reporting: Reporting
    storage: Storage
    storing: Storing
    storage_checks: StorageChecks
    following: Following
    isolating: Isolating
    disposing: Disposing
    secret_watches: SecretWatches
    fleet: Fleet
    resolving: Resolving
    now: Callable[[], datetime]
    random: Callable[[int], bytes] = os.urandom


class Reconciler:
    """`look(name)` is what the work queue calls. It raises OperatorError where it should be tried again soon."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._consenting = Consenting(parts.effects, parts.reporting)
        self._rotating = Rotating(parts.cluster, parts.effects, parts.reporting, parts.random, parts.now)

    async def look(self, name: str) -> float | None:
        """Seconds until the next look, or None when the organization is gone."""
        body = await self._parts.cluster.get(ORGANIZATION, name)
        if body is None or (body["metadata"].get("deletionTimestamp") and not _finalizers(body)):
            self._forget(name)
            self._parts.resolving.forget(name)
            return None
        if not self._parts.fleet.shard.has(body["metadata"].get("labels")):
            self._forget(name)
            self._parts.memories.foreign.add(name)
            return None
        resolved = self._parts.resolving.resolve(body)
        organization = resolved.organization
        if organization.deleting:
            self._parts.storage_checks.drop(name)
            try:
                return await self._parts.disposing.look(body, organization)
            finally:
                self._parts.memories.note(body)
        memory, tenant = self._parts.memories.of(name), self._parts.following.tenant(name)
        resolved = await self._consenting.hold_back(body, resolved, memory, tenant)
        if resolved.body is None:
            return await self._tell_refusal(body, resolved)
        if not organization.has_finalizer:
            body = await self._add_finalizer(body)
            if body is None:
                return 0.0
        return await self._keep(body, resolved)

    def _forget(self, name: str) -> None:
        self._parts.memories.forget(name)
        self._parts.fleet.forget(name)
        self._parts.following.unfollow(name)
        self._parts.isolating.stop(name)
        self._parts.storage_checks.drop(name)
        self._parts.secret_watches.stop(name)

    async def _add_finalizer(self, body: Object) -> Object | None:
        """Compare-and-set, before any other side effect: what is made from here on will be taken away."""
        metadata = body["metadata"]
        patch = {
            "metadata": {
                "resourceVersion": metadata["resourceVersion"],
                "finalizers": [*_finalizers(body), labels.FINALIZER],
            }
        }
        patching = self._parts.cluster.merge(ORGANIZATION, metadata["name"], patch)
        return await self._parts.effects.perform(Effect.ADD_FINALIZER, patching)

    async def _tell_refusal(self, body: Object, resolved: Resolved) -> float:
        organization = resolved.organization
        facts = Facts(organization=organization, observed=observe([]), failure=resolved.refusal, left_alone=True)
        if organization.has_finalizer:
            facts = replace(facts, observed=(await gather(self._parts.cluster, organization.name)).observed)
        await self._parts.reporting.write(body, with_memory(facts, self._parts.memories.of(organization.name)))
        self._parts.memories.note(body)
        return next_look.REFUSED_LOOK

    async def _keep(self, body: Object, resolved: Resolved) -> float:
        organization = resolved.organization
        memory = self._parts.memories.of(organization.name)
        unasked = memory.tenant is None
        audit_watching.take_up(body, memory)
        facts = await self._converge(body, Facts(organization=organization, observed=observe([])), memory)
        accepted = self._parts.resolving.recorded(organization.name)
        facts = replace(facts, failure=facts.failure or resolved.refusal, accepted=accepted)
        clocks = telling_clocks.gathered(self._parts.platform, self._parts.storage, self._parts.cluster, facts, memory)
        await self._parts.reporting.write(body, replace(with_memory(facts, memory), clocks=clocks))
        self._parts.memories.note(body)
        self._parts.fleet.looked(body, facts.observed)
        self._parts.resolving.looked(organization.name, healthy=self._parts.fleet.is_healthy(organization.name))
        if facts.failure is not None and not isinstance(facts.failure, Refused):
            raise facts.failure
        return next_look.after(facts, memory, self._parts.now(), unasked=unasked)

    async def _converge(self, body: Object, facts: Facts, memory: Memory) -> Facts:
        """Round after round, until nothing is left to do but wait. What stopped it is in `failure`."""
        organization, parts = facts.organization, self._parts
        stuck: VolumeRefused | None = None
        try:
            if not memory.code_is_free:
                await self._refuse_retired(organization)
                memory.code_is_free = True
            for _ in range(MOST_ROUNDS):
                gathered = await gather(parts.cluster, organization.name)
                fault = public_certificate.judge(organization, parts.platform, gathered.observed, parts.now())
                facts = replace(facts, observed=gathered.observed, certificate_fault=fault, failure=None)
                try:
                    if gathered.complete and await keys.ensure(
                        body, organization, gathered.observed, memory, self._rotating
                    ):
                        continue
                except KeyRingLost as error:  # told, but no reason to let the isolation drift
                    facts = replace(facts, failure=error)
                prefix = parts.platform.bucket_prefix
                bucket_names.refuse_renamed(organization.name, prefix, body.get("status") or {})
                credential = await self._storage(body, organization, gathered, memory)
                resting.begin(organization, gathered.observed, memory)
                actions = self._plan(body, organization, gathered, credential)
                if stuck is not None:
                    actions = [each for each in actions if not apply.is_volume(each)]
                facts = replace(facts, remaining=actions)
                if all(isinstance(action, Wait) for action in actions):
                    await self._settled(body, organization, gathered, memory)
                    break
                repaired: list[str] = []
                try:
                    await apply.perform(parts.cluster, parts.effects, organization.name, actions, repaired=repaired)
                except VolumeRefused as error:  # told, but no reason to leave the rest as it is
                    stuck = error
                finally:
                    await parts.reporting.repaired(body, repaired)
        except OperatorError as error:
            return replace(facts, failure=error)
        return replace(facts, failure=facts.failure or stuck)

    async def _refuse_retired(self, organization: Organization) -> None:
        record = disposal_record.record_name(organization.name)
        found = await self._parts.cluster.get(CONFIG_MAP, record, labels.SYSTEM_NAMESPACE)
        uid = ((found or {}).get("metadata", {}).get("annotations") or {}).get(labels.ORGANIZATION_UID)
        if found is not None and uid != organization.uid:
            raise SpecRefused(
                f"Service code {organization.name} was disposed of and is never used again "
                f"(ConfigMap {labels.SYSTEM_NAMESPACE}/{record}); create the organization under another code.",
                because=Reason.SERVICE_CODE_RETIRED,
            )

    def _plan(
        self, body: Object, organization: Organization, gathered: Gathered, credential: StorageRecord | None
    ) -> Sequence[Action]:
        parts, platform = self._parts, self._parts.fleet.platform_for(organization.name)
        endpoint_support.refuse(organization, platform, {kind.name for kind in parts.cluster.kinds})
        prepared = materials.prepare(
            organization,
            platform,
            parts.authority(),
            gathered.observed,
            credential,
            node_port=status.recorded_node_port(body.get("status") or {}),
            now=parts.now(),
            random=parts.random,
        )
        asleep = parts.memories.of(organization.name).scanner_rests is Rest.ASLEEP
        wanted = desired.render(organization, platform, replace(prepared, scanner_asleep=asleep))
        stamped = parts.fleet.stamped(organization.name, wanted, gathered.observed)
        actions = plan(stamped, gathered.observed, (body.get("status") or {}).get("inventory") or ())
        if gathered.complete:
            return actions
        # Its Secrets were not read: all but the first two objects would be made anew over what is there.
        return [each for each in actions if isinstance(each, Wait) or _is_first(each)]

    async def _storage(
        self, body: Object, organization: Organization, gathered: Gathered, memory: Memory
    ) -> StorageRecord | None:
        held = gathered.observed.get("Secret", names.STORAGE_CREDENTIAL)
        recorded = storage_credential.read(secret.entries(held)) if held else None
        if not gathered.complete:
            return recorded
        return await self._parts.storing.look(body, organization, recorded, memory)

    async def _settled(self, body: Object, organization: Organization, gathered: Gathered, memory: Memory) -> None:
        """All objects are as they should be: follow the app, invite its first administrators, walk the matrix."""
        parts, name = self._parts, organization.name
        if not gathered.complete:
            return
        parts.secret_watches.start(name)
        if organization.suspend:
            parts.following.unfollow(name)
        pair = gathered.observed.get("Secret", names.OPERATOR_CLIENT_TLS)
        asleep = memory.scanner_rests is Rest.ASLEEP
        if pair is None or not probing.listening(gathered.observed, scanner=not asleep):
            return
        parts.following.follow(name, secret.entries(pair))
        if memory.tenant is None:
            await parts.following.look(name)
        tenant = parts.following.tenant(name)
        await inviting.invite(body, organization, memory, tenant, self._consenting, parts.now())
        await self._consenting.tell(name, tenant, memory)
        parts.isolating.consider(body, organization, gathered.observed, scanner=not asleep)


def _is_first(action: Action) -> bool:
    return isinstance(action, Apply) and action.object["kind"] in _FIRST


def _finalizers(body: Object) -> list[str]:
    return list(body["metadata"].get("finalizers") or ())
