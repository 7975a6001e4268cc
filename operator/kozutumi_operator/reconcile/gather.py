"""What there is of one organization in the cluster."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from kozutumi_contract import labels
from kozutumi_operator.cluster.client import Cluster, Forbidden
from kozutumi_operator.cluster.kinds import CONFIDENTIAL, NAMESPACE, ROLE_BINDING, Kind, Object
from kozutumi_operator.errors import ClusterUnavailable
from kozutumi_operator.manifests import names
from kozutumi_operator.organizations.observed import Observed, observe

# The API server's authorizer learns of a new RoleBinding by its own watch, some milliseconds later.
_PATIENCE = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)


@dataclass(frozen=True, slots=True)
class Gathered:
    """`complete` is False while the operator may not read the namespace's Secrets yet: then nothing about them is known."""

    observed: Observed
    complete: bool

    @property
    def namespace(self) -> Object | None:
        return next(self.observed.of_kind("Namespace"), None)

    @property
    def terminating(self) -> bool:
        namespace = self.namespace
        return namespace is not None and "deletionTimestamp" in namespace["metadata"]


async def gather(cluster: Cluster, service_code: str) -> Gathered:
    """Errors: ClusterUnavailable."""
    name = labels.namespace(service_code)
    namespace = await cluster.get(NAMESPACE, name)
    if namespace is None:
        return Gathered(observe([]), complete=False)
    if "deletionTimestamp" in namespace["metadata"]:
        # Nothing is done in there any more, and the binding may be gone at any moment.
        return Gathered(observe([namespace]), complete=False)
    found = await _list_all(cluster, cluster.kinds, name)
    bound = any(each["kind"] == ROLE_BINDING.name and each["metadata"]["name"] == names.ROLE_BINDING for each in found)
    if bound:
        found += await _list_confidential(cluster, name)
    return Gathered(observe([namespace, *found]), complete=bound)


async def _list_all(cluster: Cluster, kinds: tuple[Kind, ...], namespace: str) -> list[Object]:
    lists = await asyncio.gather(*(cluster.list(kind, namespace) for kind in kinds))
    return [each for found in lists for each in found]


async def _list_confidential(cluster: Cluster, namespace: str) -> list[Object]:
    for delay in _PATIENCE:
        try:
            return await _list_all(cluster, CONFIDENTIAL, namespace)
        except Forbidden:
            await asyncio.sleep(delay)
    raise ClusterUnavailable(
        f"the operator's RoleBinding in {namespace} gives no rights; check ClusterRole {names.ROLE}"
    )
