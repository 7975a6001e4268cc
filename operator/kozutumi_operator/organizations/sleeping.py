"""When an organization's scanner is stopped for want of work, and when it is started again. Pure.

Asked at each answer of the app (reconcile.following), which tells whether a file waits for the scanner or is about to, and
for how long none has. Only a scanner that works is let go to sleep: one that is broken would hide behind it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from kozutumi_operator.manifests import names
from kozutumi_operator.organizations.facts import TenantStatus
from kozutumi_operator.organizations.observed import Observed
from kozutumi_operator.organizations.spec import Organization

WAKING_LIMIT: Final = timedelta(minutes=5)
"""How long a scanner that was woken may take, before it is told as one that does not work."""


class Rest(StrEnum):
    AWAKE = "Awake"
    WAKING = "Waking"
    ASLEEP = "Asleep"


def next_rest(
    before: Rest, since: datetime, sleeps_after: int | None, status: TenantStatus | None, now: datetime
) -> Rest:
    """`since`: when `before` began. `sleeps_after`: idle seconds, None for never. `status` None: the app is not heard."""
    if sleeps_after is None:
        return Rest.AWAKE
    if status is None or status.scan_waiting is None or status.scan_idle is None:
        return before
    idle = not status.scan_waiting and status.scan_idle >= sleeps_after
    if idle and (before is Rest.ASLEEP or _works(status)):
        return Rest.ASLEEP
    if before is Rest.ASLEEP:
        return Rest.WAKING
    if before is Rest.WAKING and not _works(status) and now - since < WAKING_LIMIT:
        return Rest.WAKING
    return Rest.AWAKE


def found(organization: Organization, observed: Observed) -> Rest:
    """What an operator that starts anew takes it to be: as the Deployment says."""
    live = observed.get("Deployment", names.SCANNER)
    stopped = live is not None and live["spec"].get("replicas", 1) == 0
    may_sleep = organization.scale_to_zero_after is not None and not organization.suspend
    return Rest.ASLEEP if stopped and may_sleep else Rest.AWAKE


def _works(status: TenantStatus) -> bool:
    return status.scanner.ok and status.self_test
