"""When an organization is looked at again, should no event ask for it earlier. Seconds."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from kozutumi_operator.organizations import public_certificate
from kozutumi_operator.organizations.facts import Facts
from kozutumi_operator.organizations.rotation import Stage
from kozutumi_operator.reconcile import consenting
from kozutumi_operator.reconcile.memory import Memory
from kozutumi_operator.reconcile.storing import RETRY, WHILE_ROTATING

NEXT_LOOK: Final = 86400.0  # certificates age, everything else is watched or followed
WHILE_WAITING: Final = 2.0
REFUSED_LOOK: Final = 300.0


def after(facts: Facts, memory: Memory, now: datetime, *, unasked: bool) -> float:
    """`unasked`: the app had not been heard of before this look, which therefore went by nothing that it said."""
    if unasked and _waits_for_answer(memory):
        return WHILE_WAITING
    dues = (memory.isolation_due, memory.rotation_due, public_certificate.next_moment(facts.observed, now))
    return min(_by_state(facts, memory), *(_until(due, now) for due in dues))


def _by_state(facts: Facts, memory: Memory) -> float:
    if facts.failure is None and facts.remaining:
        return WHILE_WAITING
    if memory.storage_failure is not None:
        return RETRY.total_seconds()
    if memory.storage_rotating:
        return WHILE_ROTATING
    if consenting.is_untold(memory):
        return consenting.RETRY.total_seconds()
    return NEXT_LOOK if facts.failure is None else REFUSED_LOOK


def _waits_for_answer(memory: Memory) -> bool:
    pending = memory.consent is not None and memory.consent.pending
    return memory.tenant is not None and bool(pending or memory.rotation_stage is not Stage.NONE)


def _until(due: datetime | None, now: datetime) -> float:
    return NEXT_LOOK if due is None else max(WHILE_WAITING, (due - now).total_seconds())
