"""The grants' controller on a fake cluster, with an app whose audit log can be away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from fake_cluster import FakeCluster
from kozutumi_operator.cluster.kinds import ACCESS_GRANT, ORGANIZATION, Object
from kozutumi_operator.errors import TenantUnavailable
from kozutumi_operator.reconcile.effects import Effect
from kozutumi_operator.reconcile.following import Following
from kozutumi_operator.reconcile.granted_changes import GrantedChanges
from kozutumi_operator.reconcile.granting import Granting
from kozutumi_operator.reconcile.memory import Memories
from kozutumi_operator.reconcile.reporting import Reporting
from operator_builders import settings
from operator_world import Crashing

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NAMESPACE = "kz-acme"
SPEC = {
    "requestedBy": "hanako",
    "subject": "hanako",
    "organization": "acme",
    "role": "Diagnose",
    "reason": "a stuck upload",
    "ticket": "INC-1",
    "duration": "1h",
}


def body(**spec: Any) -> Object:
    return {
        "apiVersion": ACCESS_GRANT.api_version,
        "kind": ACCESS_GRANT.name,
        "metadata": {
            "name": "g1",
            "uid": "grant-uid",
            "generation": 1,
            "resourceVersion": "1",
            "creationTimestamp": "2026-11-24T12:00:00Z",
        },
        "spec": SPEC | spec,
    }


@dataclass
class AuditLog:
    """The app's: each key once."""

    entries: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    keys: set[str | None] = field(default_factory=set)
    away: bool = False

    async def audit(
        self, type_: str, object_id: str, details: Mapping[str, str], *, outcome: str = "ok", key: str | None = None
    ) -> None:
        assert (object_id, outcome) == ("grant-uid", "ok")
        if self.away:
            raise TenantUnavailable("the app is away")
        if key not in self.keys:
            self.keys.add(key)
            self.entries.append((type_, details))


@dataclass
class GrantWorld:
    cluster: FakeCluster = field(default_factory=FakeCluster)
    log: AuditLog = field(default_factory=AuditLog)
    memories: Memories = field(default_factory=Memories)
    performed: list[Effect] = field(default_factory=list)
    queued: list[str] = field(default_factory=list)
    time: datetime = NOW

    def __post_init__(self) -> None:
        organization = {"metadata": {"name": "acme", "uid": "org-uid"}, "spec": {}}
        described = {"apiVersion": ORGANIZATION.api_version, "kind": ORGANIZATION.name, **organization}
        self.cluster.objects["Organization", "", "acme"] = described

    def ask(self, **spec: Any) -> None:
        self.cluster.objects["AccessGrant", "", "g1"] = body(**spec)

    @property
    def grant(self) -> Object:
        return self.cluster.objects["AccessGrant", "", "g1"]

    @property
    def bindings(self) -> list[Object]:
        return [each for place, each in self.cluster.objects.items() if place[0] == "RoleBinding"]

    def said(self) -> tuple[str, str]:
        status = self.grant["status"]
        return status["phase"], status["conditions"][0]["reason"]

    def approve(self) -> None:
        self.grant["spec"]["approvedBy"] = "taro"
        self.grant["metadata"]["generation"] += 1

    def advance(self, **span: float) -> None:
        self.time += timedelta(**span)

    def process(self, crash_after: Effect | None = None, *, mine: bool = True) -> Granting:
        """A new operator process, which remembers nothing but what its watches tell it."""
        cluster, effects = self.cluster.as_cluster(), Crashing(crash_after, self.performed)
        following = Following(cast("Any", None), self.memories, self.queued.append, lambda: 0.5)
        following._tenants["acme"] = (b"", cast("Any", self.log))
        granting = Granting(
            cluster=cluster,
            effects=effects,
            following=following,
            reporting=Reporting(cluster, effects, settings(), instance="test", now=lambda: self.time),
            changes=GrantedChanges(self.memories, self.queued.append),
            add=self.queued.append,
            mine=lambda _: mine,
            now=lambda: self.time,
        )
        for found in self.bindings:
            granting.binding_seen(None, found)
        return granting
