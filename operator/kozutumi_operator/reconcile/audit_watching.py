"""Gathers what `audit_watch` judges, tells the organization of a head that its log has lost, and takes a person's word for it."""

from __future__ import annotations

import structlog

from kozutumi_contract import labels
from kozutumi_operator.cluster.kinds import Object
from kozutumi_operator.errors import TenantUnavailable
from kozutumi_operator.organizations import audit_watch
from kozutumi_operator.organizations.audit_watch import Head, Pulled, Watched
from kozutumi_operator.organizations.facts import TenantStatus
from kozutumi_operator.reconcile.memory import Memory
from kozutumi_operator.tenant.client import Tenant

log = structlog.get_logger()


def take_up(body: Object, memory: Memory) -> None:
    """Go on from what is recorded, once after a start; let an annotation acknowledge a loss."""
    if memory.audit is None:
        memory.audit = audit_watch.recorded(body.get("status") or {})
    annotations = body["metadata"].get("annotations") or {}
    memory.audit = audit_watch.acknowledged(memory.audit, annotations.get(labels.ACKNOWLEDGE_AUDIT, ""))


def last_pulled(memory: Memory) -> int | None:
    head = memory.audit.head if memory.audit is not None else None
    return None if head is None else head.sequence


async def judge(name: str, memory: Memory, status: TenantStatus, tenant: Tenant) -> None:
    before = memory.audit or Watched()
    pulled = Pulled(Head(status.audit_sequence, status.audit_hash), status.audit_pulled_hash, status.audit_key)
    memory.audit = audit_watch.judge(before, pulled)
    lost = memory.audit.lost
    if lost is None:
        memory.audit_told = ""
        return
    if memory.audit_told == lost.hash:
        return
    log.error("audit_log_lost_a_head", service_code=name, sequence=lost.sequence, reason=str(memory.audit.why))
    try:
        await tenant.note_head(lost.sequence, lost.hash)
    except TenantUnavailable:
        return  # with the next look
    memory.audit_told = lost.hash
