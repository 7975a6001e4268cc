"""What the operator knows at the moment it is asked: conditions, exact sizes and ages, the fleet, the queue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from kozutumi_operator.organizations.reasons import Reason
from kozutumi_operator.organizations.rollout import Phase
from kozutumi_operator.reconcile.fleet import Fleet
from kozutumi_operator.reconcile.memory import Memories
from kozutumi_operator.reconcile.queue import WorkQueue

STATUSES = ("True", "False", "Unknown")


class Telling(Collector):
    def __init__(self, memories: Memories, fleet: Fleet, queue: WorkQueue) -> None:
        self._memories = memories
        self._fleet = fleet
        self._queue = queue

    def collect(self) -> Iterator[Metric]:
        yield self._conditions()
        yield self._suspended()
        yield from self._usage()
        yield from self._fleet_metrics()
        yield GaugeMetricFamily(
            "kozutumi_workqueue_depth", "Organizations that wait for a worker.", value=self._queue.depth()
        )

    def _conditions(self) -> Metric:
        family = GaugeMetricFamily(
            "kozutumi_organization_condition",
            "1 for the status that a condition has, 0 for the two others.",
            labels=["service_code", "type", "status"],
        )
        for name, memory in sorted(self._memories.all.items()):
            for condition in memory.conditions:
                for status in STATUSES:
                    family.add_metric([name, condition["type"], status], float(condition["status"] == status))
        return family

    def _suspended(self) -> Metric:
        family = _of_organization("kozutumi_organization_suspended", "1 while it is suspended on purpose.")
        for name, memory in sorted(self._memories.all.items()):
            reasons = {condition["type"]: condition.get("reason") for condition in memory.conditions}
            family.add_metric([name], float(reasons.get("Ready") == Reason.SUSPENDED))
        return family

    def _usage(self) -> Iterator[Metric]:
        storage = _of_organization("kozutumi_organization_storage_bytes", "Bytes stored.")
        files = _of_organization("kozutumi_organization_files", "Files kept.")
        users = _of_organization("kozutumi_organization_users", "Accounts.")
        signatures = _of_organization(
            "kozutumi_organization_signature_age_seconds", "Age of the virus signatures when the app last answered."
        )
        probed = _of_organization(
            "kozutumi_organization_probed_timestamp_seconds", "When the network matrix was last walked."
        )
        for name, memory in sorted(self._memories.all.items()):
            if memory.tenant is not None:
                storage.add_metric([name], memory.tenant.used_bytes)
                files.add_metric([name], memory.tenant.files)
                users.add_metric([name], memory.tenant.users)
                if memory.tenant.signature_age is not None:
                    signatures.add_metric([name], memory.tenant.signature_age)
            if memory.isolation is not None:
                probed.add_metric([name], datetime.fromisoformat(memory.isolation.probed_at).timestamp())
        yield from (storage, files, users, signatures, probed)

    def _fleet_metrics(self) -> Iterator[Metric]:
        rollout = self._fleet.rollout
        phases = GaugeMetricFamily("kozutumi_fleet_phase", "1 for the phase of the rollout.", labels=["phase"])
        for phase in Phase:
            phases.add_metric([str(phase)], float(phase is rollout.phase))
        on = GaugeMetricFamily("kozutumi_fleet_organizations", "Organizations by release.", labels=["release"])
        for release, count in sorted(Counter(rollout.release_of(name).id for name in self._memories.all).items()):
            on.add_metric([release], count)
        started = rollout.wave_started
        yield from (phases, on)
        yield GaugeMetricFamily("kozutumi_fleet_wave", "Number of the wave at work.", value=rollout.wave)
        yield GaugeMetricFamily(
            "kozutumi_fleet_wave_started_timestamp_seconds",
            "When it was let go, or 0.",
            value=0 if started is None else started.timestamp(),
        )
        yield GaugeMetricFamily("kozutumi_fleet_paused", "1 while every rollout is paused.", value=self._fleet.paused)
        yield CounterMetricFamily("kozutumi_fleet_rollbacks", "Releases taken back.", value=self._fleet.rollbacks)


def _of_organization(name: str, text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, labels=["service_code"])
