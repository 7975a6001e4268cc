"""The other clocks' figures, from answers that came anyway: nothing is asked for them."""

from __future__ import annotations

from kozutumi_operator.cluster.client import Cluster
from kozutumi_operator.organizations import clocks
from kozutumi_operator.organizations.clocks import Clock, Clocks
from kozutumi_operator.organizations.facts import Facts
from kozutumi_operator.platform import PlatformSettings
from kozutumi_operator.reconcile.memory import Memory
from kozutumi_operator.reconcile.storage import Storage


def gathered(platform: PlatformSettings, storage: Storage, cluster: Cluster, facts: Facts, memory: Memory) -> Clocks:
    """The app's clock counts while the app answers."""
    answers = memory.tenant is not None and memory.tenant_failure is None and not facts.organization.suspend
    others = (
        Clock(clocks.STORE, storage.clock_offset()),
        Clock(clocks.APP, memory.tenant_clock if answers else None),
        Clock(clocks.API_SERVER, cluster.clock_offset),
    )
    return Clocks(platform.clock_limit, others)
