"""The thin shell of kopf: events of watched objects become names on our own work queue. Nothing else is kopf's."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import kopf

from kozutumi_contract import labels
from kozutumi_operator.cluster import lease
from kozutumi_operator.cluster.kinds import LEASE, NAMESPACE, ORGANIZATION, WATCHED, Kind, Object
from kozutumi_operator.shards import Shard


def settings(shard: Shard = Shard()) -> kopf.OperatorSettings:  # noqa: B008 - frozen
    """No annotation, no Event, no peering, no cluster scan by kopf; silent watches are reconnected."""
    result = kopf.OperatorSettings()
    result.posting.enabled = False
    result.peering.standalone = True
    result.scanning.disabled = True
    result.queueing.worker_limit = None
    result.networking.connect_timeout = 5
    result.networking.request_timeout = 30
    result.watching.connect_timeout = 5
    # The Lease is told apart by name, so that the role can be, too.
    result.watching.field_selectors[_selector(LEASE)] = f"metadata.name={lease.name_of(shard.name)}"
    if shard.selector:
        result.watching.label_selectors[_selector(ORGANIZATION)] = shard.selector
    return result


def registry(
    add: Callable[[str], None],
    wrote: Callable[[Object], bool],
    heartbeat: Callable[[], None],
    kinds: Sequence[Kind] = WATCHED,
    tap: Callable[[Object], None] = lambda _: None,
) -> kopf.OperatorRegistry:
    """`add(name)` queues an organization; `wrote(object)` tells our own writes, which bring no news.

    `tap(object)` is called first with whatever a watch delivers.
    """
    result = kopf.OperatorRegistry()

    def organization_of(event: Any) -> str | None:
        found = event["object"]
        if event["type"] != "DELETED" and wrote(found):
            return None
        return service_code_of(found)

    async def changed(event: Any, **_: Any) -> None:
        tap(event["object"])
        if (name := organization_of(event)) is not None:
            add(name)

    async def beat(event: Any, **_: Any) -> None:
        tap(event["object"])
        if event["type"] is not None:
            heartbeat()

    for kind in (ORGANIZATION, NAMESPACE, *kinds):
        kopf.on.event(*_selector(kind), registry=result, id=f"changed-{kind.plural}")(changed)
    kopf.on.event(*_selector(LEASE), registry=result, id="beat")(beat)
    login = kopf.login_with_kubeconfig if os.environ.get("KUBECONFIG") else kopf.login_with_service_account
    kopf.on.login(registry=result, id="login")(login)
    return result


def listen(registry: kopf.OperatorRegistry, kind: Kind, told: Callable[[str | None, Object], None]) -> None:
    """Have `told(type, object)` called for each event of `kind`; type None is one of the first listing."""

    async def heard(event: Any, **_: Any) -> None:
        told(event["type"], event["object"])

    kopf.on.event(*_selector(kind), registry=registry, id=f"heard-{kind.plural}")(heard)


def service_code_of(found: Object) -> str | None:
    """The organization that an object belongs to, by its place: a label could have been taken off."""
    metadata = found["metadata"]
    if found.get("kind") == ORGANIZATION.name and found.get("apiVersion") == ORGANIZATION.api_version:
        return str(metadata["name"])
    namespace = str(metadata["name"] if found.get("kind") == NAMESPACE.name else metadata.get("namespace", ""))
    if not namespace.startswith(labels.NAMESPACE_PREFIX):
        return None
    return namespace.removeprefix(labels.NAMESPACE_PREFIX)


def _selector(kind: Kind) -> tuple[str, str, str]:
    group, _, version = kind.api_version.rpartition("/")
    return group, version, kind.plural
