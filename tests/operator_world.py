"""The whole operator but kopf, on a fake cluster, a fake store and a fake app, with a crash where a test wants one."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

import aiohttp
from cryptography.hazmat.primitives.asymmetric import ec

import operator_builders as builders
from fake_cluster import FakeCluster
from fake_store import FakeStore
from kozutumi_contract.secret import Secret
from kozutumi_operator.cluster.kinds import ORGANIZATION
from kozutumi_operator.errors import TenantUnavailable
from kozutumi_operator.organizations import certificates
from kozutumi_operator.organizations.facts import Health, Isolation, TenantStatus
from kozutumi_operator.organizations.materials import PlatformAuthority
from kozutumi_operator.organizations.waves import Policy
from kozutumi_operator.platform import PlatformSettings
from kozutumi_operator.reconcile.disposal_records import Records
from kozutumi_operator.reconcile.disposing import Disposing
from kozutumi_operator.reconcile.effects import Effect, Effects
from kozutumi_operator.reconcile.fleet import Fleet
from kozutumi_operator.reconcile.following import Following
from kozutumi_operator.reconcile.isolation import Isolating
from kozutumi_operator.reconcile.memory import Memories
from kozutumi_operator.reconcile.organization import Parts, Reconciler
from kozutumi_operator.reconcile.probing import Probing
from kozutumi_operator.reconcile.reporting import Reporting
from kozutumi_operator.reconcile.resolving import Resolving
from kozutumi_operator.reconcile.secret_watch import SecretWatches
from kozutumi_operator.reconcile.storage import Storage
from kozutumi_operator.reconcile.storage_checks import StorageChecks
from kozutumi_operator.reconcile.storing import Storing

T = TypeVar("T")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CA = certificates.authority("platform CA", now=NOW)
SIGNER = ec.generate_private_key(ec.SECP256R1())


class CrashError(BaseException):
    """The process is killed."""


class Crashing(Effects):
    """Dies right after the first time that `at` has happened. `performed` lists what happened, crash or not."""

    def __init__(self, at: Effect | None, performed: list[Effect]) -> None:
        super().__init__(self._crash)
        self._at = at
        self._performed = performed

    def _crash(self, effect: Effect) -> None:
        self._performed.append(effect)
        if effect is self._at:
            raise CrashError(effect)


class FakeFollowing(Following):
    """Every app answers, and drains at once."""

    async def look(self, name: str) -> bool:
        self._memories.of(name).tenant = HEALTHY
        return True

    def follow(self, name: str, entries: Any) -> None:
        assert set(entries) == {"tls.crt", "tls.key", "ca.crt"}
        self._tenants.setdefault(name, (b"", cast("Any", FakeTenant())))

    def unfollow(self, name: str) -> None:
        self._tenants.pop(name, None)


class FakeTenant:
    def __init__(self) -> None:
        self.told: list[tuple[str, str, str, str]] = []
        self.now_says: TenantStatus | TenantUnavailable = HEALTHY

    async def status(self, pulled: int | None = None) -> TenantStatus:
        del pulled
        if isinstance(self.now_says, TenantUnavailable):
            raise self.now_says
        return self.now_says

    async def invite(self, emails: Any) -> int:
        return len(emails)

    async def drain(self) -> bool:
        return True

    async def change(self, change_id: str, field: str, summary: str, *, outcome: str = "pending", by: str = "") -> str:
        del summary
        self.told.append((change_id, field, outcome, by))
        return outcome


class FakeIsolating(Isolating):
    def consider(self, body: Any, organization: Any, observed: Any, *, scanner: bool = True) -> None:
        del body, observed, scanner
        self._memories.of(organization.name).isolation = Isolation(
            probed_at="2026-01-01T00:00:00Z", allowed=7, denied=30
        )


class FakeWatches(SecretWatches):
    def start(self, name: str) -> None:
        del name


class FakeProbing(Probing):
    async def remove_pods(self, service_code: str) -> None:
        del service_code


HEALTHY = TenantStatus(
    version="1",
    key_versions=(1,),
    active_key=1,
    administrator_accepted=False,
    database=Health(ok=True, message=""),
    storage=Health(ok=True, message=""),
    mail=Health(ok=True, message=""),
    scanner=Health(ok=True, message=""),
    signature_version="1",
    signature_age=60,
    self_test=True,
    used_bytes=0,
    files=0,
    users=1,
    audit_sequence=1,
    audit_hash="00",
    clock="2026-01-01T00:00:00Z",
)


@dataclass
class OperatorWorld:
    """What outlives an operator process."""

    cluster: FakeCluster = field(default_factory=FakeCluster)
    store: FakeStore = field(default_factory=FakeStore)
    performed: list[Effect] = field(default_factory=list)
    time: datetime = NOW
    platform: PlatformSettings = field(default_factory=builders.settings)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def organize(self, **fields: Any) -> None:
        body = builders.body(**fields)
        place = ("Organization", "", body["metadata"]["name"])
        described = {"apiVersion": ORGANIZATION.api_version, "kind": ORGANIZATION.name, **body}
        described["metadata"]["resourceVersion"] = "0"
        self.cluster.objects[place] = described

    def now(self) -> datetime:
        return self.time

    def random(self, size: int) -> bytes:
        return hashlib.shake_256(str(next(self._numbers)).encode()).digest(size)

    def process(self, crash_after: Effect | None = None) -> Reconciler:
        """A new operator process, which remembers nothing."""
        return Reconciler(self.parts(crash_after))

    def parts(self, crash_after: Effect | None = None) -> Parts:
        platform, memories, cluster = self.platform, Memories(), self.cluster.as_cluster()
        effects = Crashing(crash_after, self.performed)
        nobody: Callable[[str], None] = lambda _: None  # noqa: E731 - a name for a type checker
        session = cast("aiohttp.ClientSession", None)
        reporting = Reporting(cluster, effects, platform, instance="test", now=now)
        storage = Storage(self.store, platform, effects)
        checks = StorageChecks(storage, platform, memories, nobody, now=now, random=lambda: 0.5)
        following = FakeFollowing(session, memories, nobody, lambda: 0.5)
        walks = FakeProbing(cluster, effects, platform, now)
        isolating = FakeIsolating(walks, memories, nobody, now=now, random=lambda: 0.5)
        watches = FakeWatches(cluster, nobody)
        disposing = Disposing(
            cluster=cluster,
            effects=effects,
            platform=platform,
            memories=memories,
            reporting=reporting,
            storage=storage,
            following=following,
            walks=walks,
            isolating=isolating,
            secret_watches=watches,
            records=Records(
                cluster=cluster,
                effects=effects,
                signer=lambda: SIGNER,
                now=self.now,
                etcd_backup_days=platform.etcd_backup_days,
                operator="test",
            ),
            now=self.now,
        )
        resolving = Resolving(platform, nobody)
        resolving.kinds = frozenset(kind.name for kind in self.cluster.kinds)
        return Parts(
            cluster=cluster,
            platform=platform,
            authority=authority,
            effects=effects,
            memories=memories,
            reporting=reporting,
            storage=storage,
            storing=Storing(storage=storage, checks=checks, platform=platform, reporting=reporting, now=now),
            storage_checks=checks,
            following=following,
            isolating=isolating,
            disposing=disposing,
            secret_watches=watches,
            resolving=resolving,
            fleet=Fleet(cluster, effects, platform, Policy(), now=now),
            now=now,
            random=self.random,
        )


def now() -> datetime:
    return NOW


def authority() -> PlatformAuthority:
    key = Secret(CA.private_key.reveal().decode())
    return PlatformAuthority(certificate=CA.certificate.decode(), private_key=key, mirror_public_key="key")


async def surviving(look: Callable[[], Awaitable[T]]) -> T | None:
    """None where the process was killed meanwhile."""
    try:
        return await look()
    except CrashError:
        return None
