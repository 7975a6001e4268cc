"""What Prometheus reads: exact figures, usual names, no name of an object as a label."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

import operator_builders as builders
from fake_cluster import FakeCluster
from kozutumi_operator.errors import ClusterUnavailable
from kozutumi_operator.metrics.counting import Metrics, request_of
from kozutumi_operator.metrics.telling import Telling
from kozutumi_operator.organizations.facts import Isolation
from kozutumi_operator.organizations.waves import Policy
from kozutumi_operator.reconcile.effects import Effects
from kozutumi_operator.reconcile.fleet import Fleet
from kozutumi_operator.reconcile.memory import Memories
from kozutumi_operator.reconcile.queue import WorkQueue
from operator_world import HEALTHY

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scraped(metrics: Metrics) -> Samples:
    families = text_string_to_metric_families(generate_latest(metrics.registry).decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def value(metrics: Metrics, name: str, **labels: str) -> float:
    return scraped(metrics)[name, tuple(sorted(labels.items()))]


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/api/v1/namespaces/kz-acme/secrets/keyring", ("get", "secrets")),
        ("GET", "/api/v1/namespaces/kz-acme/secrets", ("list", "secrets")),
        ("GET", "/api/v1/namespaces/kz-acme", ("get", "namespaces")),
        ("POST", "/api/v1/namespaces", ("create", "namespaces")),
        ("PATCH", "/apis/kozutumi.com/v1alpha1/organizations/acme/status", ("patch", "organizations/status")),
        ("PATCH", "/apis/apps/v1/namespaces/kz-acme/deployments/app", ("patch", "deployments")),
        ("DELETE", "/api/v1/namespaces/kz-acme/pods/app-1", ("delete", "pods")),
        ("PUT", "/apis/coordination.k8s.io/v1/namespaces/x/leases/y", ("update", "leases")),
        ("GET", "/version", ("get", "other")),
    ],
)
def test_requests_are_counted_by_verb_and_resource(method: str, path: str, expected: tuple[str, str]) -> None:
    assert request_of(method, path) == expected


def test_counters_and_the_time_of_the_last_watch_event() -> None:
    metrics = Metrics()
    metrics.requested("GET", "/api/v1/namespaces/kz-a/secrets", watch=True)
    metrics.repaired("NetworkPolicy")
    metrics.watched("Lease")
    assert value(metrics, "kozutumi_api_requests_total", verb="watch", resource="secrets") == 1
    assert value(metrics, "kozutumi_drift_repairs_total", kind="NetworkPolicy") == 1
    last = value(metrics, "kozutumi_watch_last_event_timestamp_seconds", resource="Lease")
    assert time.time() - last < 60
    assert value(metrics, "kozutumi_leader") == 0


async def test_each_look_is_counted_by_how_it_ended() -> None:
    metrics = Metrics()
    outcomes = [None, ClusterUnavailable("away"), ValueError("a defect")]

    async def look(_: str) -> float | None:
        if (outcome := outcomes.pop(0)) is not None:
            raise outcome
        return 1.0

    timed = metrics.timed(look)
    assert await timed("acme") == 1.0
    for expected in (ClusterUnavailable, ValueError):
        with pytest.raises(expected):
            await timed("acme")
    for result in ("success", "retry", "error"):
        assert value(metrics, "kozutumi_reconcile_total", result=result) == 1
    assert value(metrics, "kozutumi_reconcile_duration_seconds_count") == 3


async def test_conditions_sizes_ages_queue_and_fleet_are_told_exactly() -> None:
    metrics, memories, queue = Metrics(), Memories(), WorkQueue(lambda: 0.5)
    platform = builders.settings()
    start = datetime(2026, 1, 1, tzinfo=UTC)
    fleet = Fleet(FakeCluster().as_cluster(), Effects(), platform, Policy(), now=lambda: start)
    metrics.registry.register(Telling(memories, fleet, queue))
    memory = memories.of("acme")
    memory.conditions = [{"type": "Ready", "status": "False"}]
    memory.tenant = replace(HEALTHY, used_bytes=1_234_567_891, signature_age=4321, files=3, users=2)
    memory.isolation = Isolation(probed_at="2026-01-01T00:00:00Z", allowed=1, denied=1)
    queue.add("acme")
    condition = {"service_code": "acme", "type": "Ready"}
    assert value(metrics, "kozutumi_organization_condition", status="False", **condition) == 1
    assert value(metrics, "kozutumi_organization_condition", status="True", **condition) == 0
    assert value(metrics, "kozutumi_organization_storage_bytes", service_code="acme") == 1_234_567_891
    assert value(metrics, "kozutumi_organization_signature_age_seconds", service_code="acme") == 4321
    assert value(metrics, "kozutumi_organization_probed_timestamp_seconds", service_code="acme") == start.timestamp()
    assert value(metrics, "kozutumi_workqueue_depth") == 1
    assert value(metrics, "kozutumi_fleet_phase", phase="Settled") == 1
    assert value(metrics, "kozutumi_fleet_phase", phase="Rolling") == 0
    assert value(metrics, "kozutumi_fleet_organizations", release=fleet.rollout.stable) == 1
