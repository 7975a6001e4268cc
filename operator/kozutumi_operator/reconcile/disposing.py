"""The end of an organization: one step after another, each of which may be cut off and done again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import structlog

from kozutumi_contract import keyring, labels
from kozutumi_operator.cluster import kinds
from kozutumi_operator.cluster.client import Cluster
from kozutumi_operator.cluster.kinds import (
    DEPLOYMENT,
    NAMESPACE,
    ORGANIZATION,
    POD,
    SECRET,
    Object,
)
from kozutumi_operator.errors import NamespaceConflict, OperatorError, StorageUnavailable, TenantUnavailable
from kozutumi_operator.manifests import names, role_binding, secret
from kozutumi_operator.manifests import namespace as namespace_manifest
from kozutumi_operator.organizations import bucket_names, disposal, disposal_record, endpoint
from kozutumi_operator.organizations.decide import refuse_foreign
from kozutumi_operator.organizations.disposal import Remains, Step
from kozutumi_operator.organizations.disposal_record import CERTIFICATE, INVENTORY, Kept, Stored
from kozutumi_operator.organizations.facts import Facts
from kozutumi_operator.organizations.observed import Key, observe
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.platform import PlatformSettings
from kozutumi_operator.reconcile.disposal_records import Records
from kozutumi_operator.reconcile.effects import Effect, Effects
from kozutumi_operator.reconcile.following import Following
from kozutumi_operator.reconcile.gather import Gathered, gather
from kozutumi_operator.reconcile.isolation import Isolating
from kozutumi_operator.reconcile.memory import Memories
from kozutumi_operator.reconcile.probing import Probing
from kozutumi_operator.reconcile.reporting import Reporting
from kozutumi_operator.reconcile.secret_watch import SecretWatches
from kozutumi_operator.reconcile.storage import Storage
from kozutumi_operator.reconcile.storage_names import names_of

_PAUSE: Final = 1.0
_GRACE: Final = 5  # seconds
_RUNNING: Final = frozenset({"Pending", "Running", "Unknown"})
log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Disposing:
    """`look` is called instead of the reconciler's own look once the organization is being deleted."""

    cluster: Cluster
    effects: Effects
    platform: PlatformSettings
    memories: Memories
    reporting: Reporting
    storage: Storage
    following: Following
    walks: Probing
    isolating: Isolating
    secret_watches: SecretWatches
    records: Records
    now: Callable[[], datetime]
    record_written: Callable[[], None] = lambda: None

    async def look(self, body: Object, organization: Organization) -> float | None:
        """Go on from wherever it stands, until it is over or has to wait. The finalizer is never dropped early.

        Seconds until the next look; None where only somebody's act can bring it on, which is an event.
        """
        self.secret_watches.stop(organization.name)
        facts = Facts(organization=organization, observed=observe([]))
        try:
            self.records.signer()  # without it there would be no proof, so nothing may go
            bucket_names.refuse_renamed(organization.name, self.platform.bucket_prefix, body.get("status") or {})
            while True:
                if await self._changed_meanwhile(body):
                    return 0.0
                gathered = only_own(organization, await gather(self.cluster, organization.name))
                if await self._regain_rights(organization, gathered):
                    continue
                facts = replace(facts, observed=gathered.observed)
                record = await self.records.find(organization)
                remains = await self._remains(organization, gathered, record)
                if record is not None and remains.inventoried and not remains.recorded:
                    await self.records.note(organization, record, remains, gathered.observed)
                step = disposal.next_step(remains)
                await self._tell(body, facts := replace(facts, disposal_step=str(step)))
                if step in disposal.WAITING:
                    return self._until_due(organization, step)
                if step is Step.DESTROY_KEY_RING and await self._changed_meanwhile(body):
                    return 0.0  # once more, at the last moment: this is what cannot be made good again
                if not await self._do(step, organization, gathered, remains):
                    return _PAUSE
                if step is Step.REMOVE_FINALIZER:
                    self.memories.forget(organization.name)
                    return None
        except OperatorError as error:
            await self.reporting.write(body, replace(facts, failure=error))
            raise

    async def _changed_meanwhile(self, body: Object) -> bool:
        """Asked before each step, so that a legal hold stops the very next one. `body` is what is acted on."""
        metadata = body["metadata"]
        now = await self.cluster.get(ORGANIZATION, metadata["name"])
        if now is None:
            return True
        return any(now["metadata"].get(each) != metadata.get(each) for each in ("uid", "generation"))

    def _until_due(self, organization: Organization, step: Step) -> float | None:
        until = disposal.retained_until(organization) if step is Step.RETAIN else None
        return None if until is None else max(_PAUSE, (until - self.now()).total_seconds())

    async def _tell(self, body: Object, facts: Facts) -> None:
        memory = self.memories.of(facts.organization.name)
        if memory.disposal_step != facts.disposal_step:
            memory.disposal_step = facts.disposal_step
            log.info("disposal", service_code=facts.organization.name, step=facts.disposal_step)
        await self.reporting.write(body, facts)

    async def _regain_rights(self, organization: Organization, gathered: Gathered) -> bool:
        """The role binding may be missing (the operator died early, or somebody took it away)."""
        if gathered.namespace is None or gathered.complete or gathered.terminating:
            return False
        binding = role_binding.render(organization, self.platform)
        await self.effects.perform(Effect.APPLY_ROLE_BINDING, self.cluster.apply(binding))
        return True

    async def _remains(self, organization: Organization, gathered: Gathered, record: Object | None) -> Remains:
        """A namespace that is going away anyway is not worked in: what it holds goes with it."""
        observed, name = gathered.observed, organization.name
        usable = gathered.complete and not gathered.terminating
        pods = await self.cluster.list(POD, organization.namespace) if usable else []
        deployments = any(True for _ in observed.of_kind(DEPLOYMENT.name))
        objects, bucket, user = await self._leftovers(organization)
        # A record of an earlier organization of this code retires it: this one was never let begin.
        foreign = record is not None and record["metadata"]["annotations"][labels.ORGANIZATION_UID] != organization.uid
        return Remains(
            endpoint=usable and bool(endpoint.live_objects(observed)),
            drained=self.memories.of(name).drained
            or observed.get(DEPLOYMENT.name, names.APP) is None
            or disposal.drain_is_over(organization, self.now()),
            key_ring=usable and observed.get(SECRET.name, keyring.SECRET_NAME) is not None,
            pods=usable and (deployments or any(_runs(pod) for pod in pods)),
            content_objects=objects,
            content_bucket=bucket,
            storage_user=user,
            namespace=gathered.namespace is not None,
            volume=gathered.namespace is None and not foreign and await self.records.volume_is_left(record),
            inventoried=foreign or bool(disposal_record.parsed(record, INVENTORY)),
            recorded=foreign or CERTIFICATE in ((record or {}).get("data") or {}),
            keeping=disposal.keeping(organization, self.now()),
        )

    async def _leftovers(self, organization: Organization) -> tuple[bool | None, bool | None, bool | None]:
        """A store that is away does not keep the endpoint open or the key ring alive; its own steps then fail."""
        try:
            return await self.storage.leftovers(organization)
        except StorageUnavailable as error:
            log.warning("storage", service_code=organization.name, error=str(error))
            return None, None, None

    async def _do(self, step: Step, organization: Organization, gathered: Gathered, remains: Remains) -> bool:
        """Perform a step; False where it now has to be waited for."""
        match step:
            case Step.STOP_ENDPOINT:
                for key in endpoint.live_objects(gathered.observed):
                    await self._delete(Effect.STOP_ENDPOINT, key)
            case Step.TAKE_INVENTORY:
                await self._take_inventory(organization, gathered, remains)
            case Step.DESTROY_KEY_RING:
                key = Key("v1", SECRET.name, organization.namespace, keyring.SECRET_NAME)
                await self._delete(Effect.DESTROY_KEY_RING, key)
            case Step.EMPTY_CONTENT_BUCKET:
                await self.storage.empty_content(organization)
            case Step.REMOVE_CONTENT_BUCKET:
                await self.storage.remove_content(organization)
            case Step.REMOVE_STORAGE_USER:
                await self.storage.remove_user(organization)
            case Step.RECORD:
                await self._record(organization)
            case Step.REMOVE_FINALIZER:
                await self._remove_finalizer(organization)
            case _:
                return await self._do_patiently(step, organization, gathered)
        return True

    async def _do_patiently(self, step: Step, organization: Organization, gathered: Gathered) -> bool:
        if step is Step.DRAIN:
            return await self._drain(organization, gathered)
        if step in {Step.STOP_PODS, Step.FREEZE}:
            return await self._stop_pods(organization, gathered)
        if step is Step.DELETE_NAMESPACE:
            return await self._delete_namespace(organization, gathered)
        return False  # the volume: its provisioner is at work

    async def _delete(self, effect: Effect, key: Key) -> None:
        kind = kinds.of({"apiVersion": key.api_version, "kind": key.kind})
        await self.effects.perform(effect, self.cluster.delete(kind, key.name, key.namespace))

    async def _drain(self, organization: Organization, gathered: Gathered) -> bool:
        memory = self.memories.of(organization.name)
        deployment = gathered.observed.get(DEPLOYMENT.name, names.APP)
        pair = gathered.observed.get(SECRET.name, names.OPERATOR_CLIENT_TLS)
        if not ((deployment or {}).get("status") or {}).get("availableReplicas") or pair is None:
            memory.drained = True  # no app, nothing to drain
            return True
        self.following.follow(organization.name, secret.entries(pair))
        tenant = self.following.tenant(organization.name)
        try:
            memory.drained = tenant is None or await self.effects.perform(Effect.DRAIN, tenant.drain())
        except TenantUnavailable as error:
            log.warning("drain", service_code=organization.name, error=str(error))
        return memory.drained

    async def _stop_pods(self, organization: Organization, gathered: Gathered) -> bool:
        self.following.unfollow(organization.name)
        self.isolating.stop(organization.name)
        present = [key for key in gathered.observed.objects if key.kind == DEPLOYMENT.name]
        for key in present:
            await self._delete(Effect.STOP_PODS, key)
        for pod in await self.cluster.list(POD, organization.namespace):
            await self._hurry(pod, organization.namespace)
        return bool(present)

    async def _hurry(self, pod: Object, namespace: str) -> None:
        """Probes go at once. The others were drained and have lost their keys: their long grace has no use any more."""
        metadata = pod["metadata"]
        if labels.PROBE in (metadata.get("labels") or {}):
            deleting = self.cluster.delete(POD, metadata["name"], namespace, grace=0)
            await self.effects.perform(Effect.DELETE_PROBE_POD, deleting)
        elif metadata.get("deletionGracePeriodSeconds", 0) > _GRACE:
            deleting = self.cluster.delete(POD, metadata["name"], namespace, grace=_GRACE)
            await self.effects.perform(Effect.STOP_PODS, deleting)

    async def _delete_namespace(self, organization: Organization, gathered: Gathered) -> bool:
        namespace = gathered.namespace
        if namespace is not None and not gathered.terminating:
            deleting = self.cluster.delete(NAMESPACE, organization.namespace, uid=namespace["metadata"]["uid"])
            await self.effects.perform(Effect.DELETE_NAMESPACE, deleting)
        await self.walks.remove_pods(organization.name)
        return False

    async def _take_inventory(self, organization: Organization, gathered: Gathered, remains: Remains) -> None:
        held, names = remains.content_bucket is not False, names_of(organization.name, self.platform)
        stored = Stored(
            content_bucket=names.content if held else None,
            archive_bucket=names.archive if held else None,
            user=names.user if remains.storage_user is not False else None,
        )
        body = await self.cluster.get(ORGANIZATION, organization.name)
        recorded = (body or {}).get("status") or {}
        await self.records.begin(
            organization, disposal_record.inventory(organization, gathered.observed, recorded, stored)
        )

    async def _record(self, organization: Organization) -> None:
        archive = await self.storage.settle_archive(organization)
        # Where nothing in it is locked, nothing holds it any longer than until now.
        kept = None if archive is None else Kept(archive.bucket, archive.until or self.now())
        body = await self.cluster.get(ORGANIZATION, organization.name)
        record = await self.records.find(organization)
        if body is not None and record is not None:
            await self.records.finish(organization, body, record, kept)
            self.record_written()

    async def _remove_finalizer(self, organization: Organization) -> None:
        body = await self.cluster.get(ORGANIZATION, organization.name)
        if body is None or body["metadata"]["uid"] != organization.uid:
            return
        rest = [each for each in body["metadata"].get("finalizers") or () if each != labels.FINALIZER]
        patch = {"metadata": {"resourceVersion": body["metadata"]["resourceVersion"], "finalizers": rest}}
        await self.effects.perform(Effect.REMOVE_FINALIZER, self.cluster.merge(ORGANIZATION, organization.name, patch))


def only_own(organization: Organization, gathered: Gathered) -> Gathered:
    """Never take away a namespace that is not this organization's: for its disposal, it is not there."""
    if gathered.namespace is not None:
        try:
            refuse_foreign(namespace_manifest.render(organization), gathered.namespace)
        except NamespaceConflict:
            return Gathered(observe([]), complete=False)
    return gathered


def _runs(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") in _RUNNING
