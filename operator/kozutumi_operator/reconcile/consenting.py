"""Between the manifest and what is put in place: what needs the organization's consent waits, and its app is told."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import structlog

from kozutumi_operator.cluster.kinds import Object
from kozutumi_operator.errors import TenantUnavailable
from kozutumi_operator.organizations import consent, spec
from kozutumi_operator.organizations.consent import Change, View
from kozutumi_operator.organizations.resolution import Resolved
from kozutumi_operator.reconcile.effects import Effect, Effects
from kozutumi_operator.reconcile.memory import Memory
from kozutumi_operator.reconcile.reporting import Reporting
from kozutumi_operator.tenant.client import Tenant

RETRY: Final = timedelta(seconds=20)
_OPEN: Final = "pending"
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Consenting:
    effects: Effects
    reporting: Reporting

    async def hold_back(self, body: Object, resolved: Resolved, memory: Memory, tenant: Tenant | None) -> Resolved:
        """The organization with only what it has agreed to; what waits is in `memory.consent`."""
        if resolved.body is None:
            return resolved
        if _goes_by_old_news(body, resolved.body, memory):
            await self._ask_anew(memory, tenant)
        seen = _view(body, resolved.body, memory, {})
        if tenant is not None and (states := await self._tell_granted(seen, memory, tenant)):
            seen = _view(body, resolved.body, memory, states)
        memory.consent = seen
        return replace(resolved, organization=spec.parse(seen.body), body=seen.body)

    async def record(self, body: Object, memory: Memory) -> None:
        """What is in force is on record before the first administrators are invited."""
        if memory.consent is not None and not (body.get("status") or {}).get("confirmed"):
            await self.reporting.record_confirmed(body, memory.consent.record)

    async def tell(self, name: str, tenant: Tenant | None, memory: Memory) -> None:
        """Tell the app what waits and what is no longer asked for."""
        seen, known = memory.consent, memory.tenant
        if tenant is None or known is None or seen is None or not known.administrator_accepted:
            return
        waiting = {change.id for change in seen.pending}
        dropped = [each for each, state in known.changes.items() if state == _OPEN and each not in waiting]
        try:
            for change in _untold(memory):
                await self._tell(tenant.change(change.id, f"spec.{change.field}", change.summary))
            for change_id in dropped:
                await self._tell(tenant.change(change_id, "spec", "", outcome="withdrawn"))
        except TenantUnavailable as error:
            log.warning("consent_not_told", service_code=name, error=str(error))

    async def _ask_anew(self, memory: Memory, tenant: Tenant | None) -> None:
        memory.tenant, failure = None, None
        try:
            memory.tenant = await tenant.status() if tenant is not None else None
        except TenantUnavailable as error:
            failure = error
        memory.tenant_failure = failure

    async def _tell_granted(self, seen: View, memory: Memory, tenant: Tenant) -> dict[str, str]:
        """A grant lets a change through only once the organization's own audit log says so."""
        states = {}
        for change in seen.pending:
            if not consent.allowed_by_grant(memory.granted_changes, change):
                continue
            by, field = memory.granted_changes[change.id], f"spec.{change.field}"
            try:
                telling = tenant.change(change.id, field, change.summary, outcome="granted", by=by)
                states[change.id] = await self._tell(telling)
            except TenantUnavailable as error:
                log.warning("grant_not_told", change=change.id, error=str(error))
        return states

    async def _tell(self, telling: Awaitable[str]) -> str:
        return await self.effects.perform(Effect.TELL_CHANGE, telling)


def is_untold(memory: Memory) -> bool:
    """Whether telling is to be tried again soon. While the app does not answer, its next answer brings a look."""
    return memory.tenant_failure is None and memory.tenant is not None and bool(_untold(memory))


def _untold(memory: Memory) -> list[Change]:
    seen, known = memory.consent, memory.tenant
    if seen is None or known is None or not known.administrator_accepted:
        return []
    return [change for change in seen.pending if known.changes.get(change.id, "withdrawn") == "withdrawn"]


def _goes_by_old_news(body: Object, wanted: Object, memory: Memory) -> bool:
    """Whether a change would apply at once because nobody had accepted when the app was last asked, seconds ago."""
    if memory.tenant is None or memory.tenant.administrator_accepted:
        return False
    recorded = (body.get("status") or {}).get("confirmed")
    return bool(consent.view(wanted, recorded, decisions={}, accepted=None).pending)


def _view(body: Object, wanted: Object, memory: Memory, states: dict[str, str]) -> View:
    tenant, recorded = memory.tenant, (body.get("status") or {}).get("confirmed")
    decisions = {**(tenant.changes if tenant is not None else {}), **states}
    accepted = tenant.administrator_accepted if tenant is not None else None
    return consent.view(wanted, recorded, decisions=decisions, accepted=accepted)
