"""Gives and takes back what approved AccessGrants say. The organization's audit log hears of it first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

import structlog

from kozutumi_contract import labels
from kozutumi_contract.labels import STATUS_FIELD_MANAGER
from kozutumi_operator.cluster.client import Cluster
from kozutumi_operator.cluster.kinds import ACCESS_GRANT, ORGANIZATION, ROLE_BINDING, Object
from kozutumi_operator.errors import TenantUnavailable
from kozutumi_operator.grants import binding, decide, status
from kozutumi_operator.grants.decide import Found, Step
from kozutumi_operator.grants.grant import AccessGrant, Phase, Progress, parse
from kozutumi_operator.organizations import moments
from kozutumi_operator.reconcile.effects import Effect, Effects
from kozutumi_operator.reconcile.following import Following
from kozutumi_operator.reconcile.granted_changes import GrantedChanges
from kozutumi_operator.reconcile.reporting import Reporting

_MOST_STEPS: Final = 16
log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Granting:
    """`look(name)` is what its own work queue calls with the name of a grant. `add(name)` puts one on it."""

    cluster: Cluster
    effects: Effects
    following: Following
    reporting: Reporting
    changes: GrantedChanges
    add: Callable[[str], None]
    mine: Callable[[Object], bool]
    now: Callable[[], datetime]
    _organizations: dict[str, str] = field(default_factory=dict)  # grant → organization, while it is not over
    _places: dict[str, set[str]] = field(default_factory=dict)  # grant → namespaces in which a binding of its was seen

    def seen(self, _type: str | None, grant: Object) -> None:
        self.add(grant["metadata"]["name"])

    def organization_seen(self, _type: str | None, organization: Object) -> None:
        code = organization["metadata"]["name"]
        for grant, concerned in list(self._organizations.items()):
            if concerned == code:
                self.add(grant)

    def binding_seen(self, _type: str | None, found: Object) -> None:
        """A binding that says it is a grant's, whoever made or changed it."""
        metadata = found["metadata"]
        grant = (metadata.get("labels") or {}).get(labels.ACCESS_GRANT)
        if grant and metadata["namespace"].startswith(labels.NAMESPACE_PREFIX):
            self._places.setdefault(grant, set()).add(metadata["namespace"])
            self.add(grant)

    async def look(self, name: str) -> float | None:
        """Seconds until something about it happens by itself; None where only an event can bring news."""
        for _ in range(_MOST_STEPS):
            body = await self.cluster.get(ACCESS_GRANT, name)
            if body is None:
                await self._unbind(name, None)
                self._forget(name)
                return None
            try:
                grant = parse(body)
            except (KeyError, ValueError) as error:
                log.warning("grant_invalid", grant=name, error=str(error))
                await self._unbind(name, None)
                return None
            organization = await self.cluster.get(ORGANIZATION, grant.organization)
            if organization is not None and not self.mine(organization):
                return None
            self._organizations[name] = grant.organization
            step = decide.next_step(grant, await self._found(grant, organization), self.now())
            if await self._do(step, body, grant, organization):
                continue
            return self._waiting(grant, step)
        return 0.0

    def _waiting(self, grant: AccessGrant, step: Step) -> float | None:
        if step is Step.REST:
            self._forget(grant.name)
            return None
        return max(0.0, (decide.due(grant) - self.now()).total_seconds())

    def _forget(self, name: str) -> None:
        self.changes.withdraw(name)
        self._organizations.pop(name, None)
        self._places.pop(name, None)

    async def _found(self, grant: AccessGrant, organization: Object | None) -> Found:
        alive = organization is not None and "deletionTimestamp" not in organization["metadata"]
        namespace = labels.namespace(grant.organization)
        for place in self._places.get(grant.name, set()) - {namespace}:
            await self._unbind_in(place, grant.name)
        selector = f"{labels.ACCESS_GRANT}={grant.name}"
        bindings = await self.cluster.list(ROLE_BINDING, namespace, label_selector=selector)
        wanted = binding.render(grant, organization["metadata"]["uid"]) if organization is not None else {}
        right = len(bindings) == 1 and bool(wanted) and binding.is_as_rendered(bindings[0], wanted)
        return Found(organization=alive, bound=bool(bindings), right=right)

    async def _do(self, step: Step, body: Object, grant: AccessGrant, organization: Object | None) -> bool:
        """Perform a step; False where there is nothing more to do now."""
        if step in _ENDING:
            self.changes.withdraw(grant.name)
        match step:
            case Step.NOTE_APPROVAL:
                await self._note_approval(body, grant)
            case Step.ADD_FINALIZER | Step.REMOVE_FINALIZER:
                await self._set_finalizer(body, grant, wanted=step is Step.ADD_FINALIZER)
            case Step.AUDIT_OPENING:
                await self._audit_opening(body, grant)
            case Step.BIND:
                await self._bind(grant, organization)
            case Step.TELL_ACTIVE:
                await self._tell_active(body, grant, organization)
            case Step.UNBIND:
                await self._unbind(grant.name, grant.organization)
            case Step.AUDIT_CLOSING | Step.TELL_ENDED:
                await self._end(body, grant, organization, audit=step is Step.AUDIT_CLOSING)
            case Step.GIVE_UP:
                ended = replace(grant.progress, phase="Expired", ended_at=self.now())
                message = "It was not approved within 24 hours; ask again with a new grant."
                await self._tell(body, grant, ended, status.NOT_APPROVED, message)
            case _:
                return await self._wait(step, body, grant)
        return True

    async def _wait(self, step: Step, body: Object, grant: AccessGrant) -> bool:
        if step is Step.KEEP:
            self.changes.give(grant)
        elif step is Step.AWAIT_APPROVAL:
            message = "Somebody other than who asked and who gets it approves it by setting spec.approvedBy."
            await self._tell(body, grant, grant.progress, status.AWAITING_APPROVAL, message)
        elif step is Step.AWAIT_ORGANIZATION:
            message = f"There is no organization {grant.organization}, or it is being deleted; nothing is given."
            await self._tell(body, grant, grant.progress, status.AWAITING_ORGANIZATION, message)
        return False

    async def _note_approval(self, body: Object, grant: AccessGrant) -> None:
        now = self.now().replace(microsecond=0)
        expires = datetime.fromtimestamp(now.timestamp() + grant.duration, now.tzinfo)
        noted = replace(grant.progress, approved_at=now, expires_at=expires)
        message = "It is approved; the organization's audit log is told before it begins."
        await self._tell(body, grant, noted, status.AWAITING_AUDIT, message)

    async def _audit_opening(self, body: Object, grant: AccessGrant) -> None:
        try:
            await self._audit(grant, "opened")
        except TenantUnavailable as error:
            message = f"Nothing is given before the organization's audit log has it, and {error}"
            await self._tell(body, grant, grant.progress, status.AWAITING_AUDIT, message)
            raise
        audited = replace(grant.progress, audited_at=self.now())
        await self._tell(body, grant, audited, status.AWAITING_AUDIT, "The organization's audit log has it.")

    async def _audit(self, grant: AccessGrant, act: str) -> None:
        tenant = self.following.tenant(grant.organization)
        if tenant is None:
            raise TenantUnavailable(f"the app of {grant.organization} does not run")
        telling = tenant.audit(f"grant.{act}", grant.uid, status.details(grant), key=f"grant-{act}-{grant.uid}")
        await self.effects.perform(Effect.AUDIT_GRANT, telling)

    async def _bind(self, grant: AccessGrant, organization: Object | None) -> None:
        if organization is None:
            return
        namespace = labels.namespace(grant.organization)
        # A role cannot be exchanged in a binding, and there may be one of another name: all of them go first.
        await self._unbind_in(namespace, grant.name)
        wanted = binding.render(grant, organization["metadata"]["uid"])
        await self.effects.perform(Effect.BIND_GRANT, self.cluster.apply(wanted))

    async def _tell_active(self, body: Object, grant: AccessGrant, organization: Object | None) -> None:
        active = replace(grant.progress, phase="Active", active_at=grant.progress.active_at or self.now())
        until = moments.rfc3339(decide.due(grant))
        message = f"{grant.subject} has {grant.role} in {labels.namespace(grant.organization)} until {until}."
        await self._tell(body, grant, active, status.GRANTED, message)
        if organization is not None:
            await self.reporting.event(organization, "AccessGranted", f"Grant {grant.name}: {message}", warning=True)

    async def _end(self, body: Object, grant: AccessGrant, organization: Object | None, *, audit: bool) -> None:
        """Told to the audit log if it was told of the beginning; a log that is away is told on its return."""
        revoked = grant.deleting and not (grant.progress.expires_at and self.now() >= grant.progress.expires_at)
        phase: Phase = "Revoked" if revoked else "Expired"
        reason = status.REVOKED if revoked else status.EXPIRED
        over = replace(grant.progress, phase=phase)
        if audit:
            try:
                await self._audit(grant, "closed")
            except TenantUnavailable as error:
                message = f"The access is taken back; the organization's audit log is still to be told: {error}"
                await self._tell(body, grant, over, status.CLOSING_AUDIT, message)
                raise
        message = "The access was taken back." if grant.progress.active_at else "Nothing was given."
        await self._tell(body, grant, replace(over, ended_at=self.now()), reason, message)
        if organization is not None and grant.progress.active_at:
            await self.reporting.event(organization, "AccessEnded", f"Grant {grant.name}: {phase}.", warning=False)

    async def _unbind(self, name: str, organization: str | None) -> None:
        places = set(self._places.get(name, set()))
        places |= {labels.namespace(organization)} if organization else set()
        for namespace in sorted(places):
            await self._unbind_in(namespace, name)

    async def _unbind_in(self, namespace: str, name: str) -> None:
        selector = f"{labels.ACCESS_GRANT}={name}"
        for found in await self.cluster.list(ROLE_BINDING, namespace, label_selector=selector):
            deleting = self.cluster.delete(ROLE_BINDING, found["metadata"]["name"], namespace)
            await self.effects.perform(Effect.UNBIND_GRANT, deleting)

    async def _set_finalizer(self, body: Object, grant: AccessGrant, *, wanted: bool) -> None:
        rest = [each for each in grant.finalizers if each != labels.GRANT_FINALIZER]
        finalizers = [*rest, labels.GRANT_FINALIZER] if wanted else rest
        patch = {"metadata": {"resourceVersion": body["metadata"]["resourceVersion"], "finalizers": finalizers}}
        effect = Effect.ADD_GRANT_FINALIZER if wanted else Effect.REMOVE_GRANT_FINALIZER
        await self.effects.perform(effect, self.cluster.merge(ACCESS_GRANT, grant.name, patch))

    async def _tell(self, body: Object, grant: AccessGrant, progress: Progress, reason: str, message: str) -> None:
        previous = body.get("status") or {}
        current = status.render(grant, progress, previous, reason=reason, message=message, now=self.now())
        if current == previous:
            return
        wanted = {
            "apiVersion": ACCESS_GRANT.api_version,
            "kind": ACCESS_GRANT.name,
            "metadata": {"name": grant.name, "uid": grant.uid},
            "status": current,
        }
        applying = self.cluster.apply(wanted, manager=STATUS_FIELD_MANAGER, subresource="status")
        await self.effects.perform(Effect.WRITE_GRANT_STATUS, applying)
        log.info("grant", grant=grant.name, service_code=grant.organization, phase=progress.phase, reason=reason)


_ENDING: Final = frozenset({Step.UNBIND, Step.AUDIT_CLOSING, Step.TELL_ENDED, Step.REMOVE_FINALIZER, Step.REST})
