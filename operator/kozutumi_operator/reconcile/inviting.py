"""Asks the app to invite the first administrators, until one has accepted."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog

from kozutumi_operator.cluster.kinds import Object
from kozutumi_operator.errors import TenantUnavailable
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.reconcile.consenting import Consenting
from kozutumi_operator.reconcile.effects import Effect
from kozutumi_operator.reconcile.memory import Memory
from kozutumi_operator.tenant.client import Tenant

REMINDER: Final = timedelta(hours=1)
log = structlog.get_logger()


async def invite(
    body: Object,
    organization: Organization,
    memory: Memory,
    tenant: Tenant | None,
    consenting: Consenting,
    now: datetime,
) -> None:
    """At most once an hour, and at once where the addresses changed."""
    if tenant is None or memory.tenant is None or memory.tenant_failure is not None:
        return
    emails = organization.administrators
    reminded = memory.invited is not None and now - memory.invited < REMINDER
    if memory.tenant.administrator_accepted or not emails or (reminded and memory.invited_whom == emails):
        return
    await consenting.record(body, memory)
    try:
        await consenting.effects.perform(Effect.INVITE_ADMINISTRATORS, tenant.invite(emails))
    except TenantUnavailable as error:
        log.warning("invite", service_code=organization.name, error=str(error))
    else:
        memory.invited, memory.invited_whom = now, emails
