"""What is remembered of a scanner's sleep between two looks; when it sleeps is `organizations.sleeping`'s to say."""

from __future__ import annotations

from datetime import datetime

from kozutumi_operator.organizations import sleeping
from kozutumi_operator.organizations.observed import Observed
from kozutumi_operator.organizations.sleeping import Rest
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.reconcile.memory import Memory


def begin(organization: Organization, observed: Observed, memory: Memory) -> None:
    """Take up what the manifest wants and, once after a start, what runs."""
    memory.sleeps_after = organization.scale_to_zero_after
    if organization.suspend or memory.sleeps_after is None:
        memory.scanner_rests = Rest.AWAKE
    elif memory.scanner_rests is None:
        memory.scanner_rests = sleeping.found(organization, observed)


def rest(memory: Memory, now: datetime) -> None:
    """Let the scanner sleep or wake it, by what the app last told."""
    before = memory.scanner_rests
    if before is None:  # not looked at yet: what runs is not known
        return
    since = memory.scanner_rests_since or now
    memory.scanner_rests = sleeping.next_rest(before, since, memory.sleeps_after, memory.tenant, now)
    if memory.scanner_rests is not before or memory.scanner_rests_since is None:
        memory.scanner_rests_since = now
