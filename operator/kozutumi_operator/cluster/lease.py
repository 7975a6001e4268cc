"""One operator at a time: our own Lease (coordination.k8s.io/v1), so that kopf's peering is not needed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from kozutumi_contract.labels import SYSTEM_NAMESPACE
from kozutumi_operator.cluster.client import AlreadyExists, Cluster, Conflict
from kozutumi_operator.cluster.kinds import LEASE, Object

NAME: Final = "kozutumi-operator"
DURATION: Final = timedelta(seconds=15)
RENEWAL: Final = timedelta(seconds=5)
_FORMAT: Final = "%Y-%m-%dT%H:%M:%S.%fZ"  # MicroTime


def name_of(shard: str) -> str:
    """One Lease for each shard of the fleet; "" is the only one."""
    return f"{NAME}-{shard}" if shard else NAME


def may_take(lease: Object, identity: str, seen: datetime, now: datetime) -> bool:
    """Whether `identity` may hold the Lease: it does already, nobody does, or the holder stopped renewing.

    `seen` is when we first saw this very renewal, by our own clock: the holder's clock may be wrong.
    """
    spec = lease.get("spec") or {}
    holder, renewed = spec.get("holderIdentity"), spec.get("renewTime")
    if holder in {None, "", identity} or not renewed:
        return True
    return now > seen + timedelta(seconds=spec.get("leaseDurationSeconds") or 0)


def render(identity: str, now: datetime, previous: Object | None = None, *, name: str = NAME) -> Object:
    """The Lease as held by `identity` ("" gives it up), guarded by the previous resource version."""
    before = (previous or {}).get("spec") or {}
    moment = now.strftime(_FORMAT)
    same = before.get("holderIdentity") == identity
    metadata = {"name": name, "namespace": SYSTEM_NAMESPACE}
    if previous is not None:
        metadata["resourceVersion"] = previous["metadata"]["resourceVersion"]
    return {
        "apiVersion": LEASE.api_version,
        "kind": LEASE.name,
        "metadata": metadata,
        "spec": {
            "holderIdentity": identity,
            "leaseDurationSeconds": int(DURATION.total_seconds()),
            "acquireTime": before.get("acquireTime", moment) if same else moment,
            "renewTime": moment,
            "leaseTransitions": int(before.get("leaseTransitions") or 0) + (0 if same else 1),
        },
    }


@dataclass(slots=True)
class Leadership:
    """Takes, renews and gives up the Lease for one identity."""

    cluster: Cluster
    identity: str
    name: str = NAME
    held: Object | None = None
    _renewal: tuple[object, object] = (None, None)
    _seen: datetime | None = None

    async def hold(self, now: datetime) -> bool:
        """Take or renew; False while another holds it. ClusterUnavailable when the API server is away."""
        if self.held is not None and await self._try(self.held, now):
            return True
        # Read again: our own renewal may have arrived while its answer was lost.
        return await self._try(await self.cluster.get(LEASE, self.name, SYSTEM_NAMESPACE), now)

    async def _try(self, current: Object | None, now: datetime) -> bool:
        try:
            if current is None:
                self.held = await self.cluster.create(render(self.identity, now, name=self.name))
                return True
            if not may_take(current, self.identity, self._first_seen(current, now), now):
                return False
            self.held = await self.cluster.replace(render(self.identity, now, current, name=self.name))
        except (AlreadyExists, Conflict):
            self.held = None
            return False
        return True

    def _first_seen(self, current: Object, now: datetime) -> datetime:
        spec = current.get("spec") or {}
        renewal = (spec.get("holderIdentity"), spec.get("renewTime"))
        if self._seen is None or renewal != self._renewal:
            self._renewal, self._seen = renewal, now
        return self._seen

    async def release(self, now: datetime) -> None:
        """Give up, so that a successor need not wait for the Lease to run out."""
        if self.held is not None:
            await self.cluster.replace(render("", now, self.held, name=self.name))
            self.held = None
