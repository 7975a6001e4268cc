"""Walks the network matrix for one organization: pods out, results in, pods away."""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from kozutumi_contract import labels
from kozutumi_operator.cluster.client import AlreadyExists, Cluster
from kozutumi_operator.cluster.kinds import POD
from kozutumi_operator.errors import ClusterUnavailable
from kozutumi_operator.manifests import names
from kozutumi_operator.organizations.facts import Isolation
from kozutumi_operator.organizations.observed import Observed
from kozutumi_operator.platform import PlatformSettings
from kozutumi_operator.probe import attempts, matrix, pod
from kozutumi_operator.probe.matrix import Addresses, Cell, Outside
from kozutumi_operator.reconcile.effects import Effect, Effects

INTERVAL: Final = 3600.0
RETRY: Final = 60.0
_AT_ONCE: Final = 2
_POLL: Final = 1.0
LONGEST: Final = 150.0  # seconds for one walk, starting pods included


class Probing:
    """Few walks at a time: each starts four pods."""

    def __init__(
        self, cluster: Cluster, effects: Effects, platform: PlatformSettings, now: Callable[[], datetime]
    ) -> None:
        self._cluster = cluster
        self._effects = effects
        self._platform = platform
        self._now = now
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def walk(self, service_code: str, *, scanner: bool = True) -> Isolation:
        """`scanner` False: it sleeps, so nothing is tried towards it.

        Errors: ClusterUnavailable, also where a pod does not start in time; ApplyRefused.
        """
        async with self._slots:
            addresses = await resolve(service_code, self._platform)
            outside = Outside(nodes=tuple(self._platform.api_server_addresses))
            cells = matrix.cells(service_code, self._platform, addresses, outside, scanner=scanner)
            found: dict[Cell, str] = {}
            walks = [self._in_pod(service_code, source, cells) for source in matrix.sources(self._platform)]
            from_here = attempts.judge([cell for cell in cells if cell.source == "operator"])
            # All of them come to their end, so that each has taken its pod away.
            for outcome in await asyncio.gather(*walks, from_here, return_exceptions=True):
                if isinstance(outcome, BaseException):
                    raise outcome
                found.update(outcome)
        return matrix.evaluate(found, self._now().strftime("%Y-%m-%dT%H:%M:%SZ"))

    async def _in_pod(self, service_code: str, source: matrix.Source, cells: Sequence[Cell]) -> dict[Cell, str]:
        chosen = [cell for cell in cells if cell.source == source]
        name, namespace = pod.name_of(service_code, source), pod.namespace_of(service_code, source, self._platform)
        wanted = pod.render(service_code, source, chosen, self._platform)
        try:
            await self._create(wanted, name, namespace)
            return await self._result(name, namespace, chosen)
        finally:
            await self._effects.perform(Effect.DELETE_PROBE_POD, self._cluster.delete(POD, name, namespace, grace=0))

    async def _create(self, wanted: dict[str, object], name: str, namespace: str) -> None:
        """A pod of a walk that was cut off is in the way: it goes first."""
        for _ in range(10):
            try:
                await self._effects.perform(Effect.CREATE_PROBE_POD, self._cluster.create(wanted))
            except AlreadyExists:
                await self._cluster.delete(POD, name, namespace, grace=0)
                await asyncio.sleep(_POLL)
            else:
                return
        raise ClusterUnavailable(f"an earlier probe pod {namespace}/{name} does not go away; look at its node")

    async def _result(self, name: str, namespace: str, cells: Sequence[Cell]) -> dict[Cell, str]:
        loop = asyncio.get_running_loop()
        end = loop.time() + LONGEST
        while loop.time() < end:
            await asyncio.sleep(_POLL)
            found = await self._cluster.get(POD, name, namespace)
            if found is None:
                break
            try:
                outcomes = pod.outcomes(found, cells)
            except ValueError as error:
                raise ClusterUnavailable(f"{error}; it is tried again") from error
            if outcomes is not None:
                return outcomes
        raise ClusterUnavailable(f"probe pod {namespace}/{name} gave no result; look at its events")

    async def remove_pods(self, service_code: str) -> None:
        """Whatever a cut-off walk left outside the organization's namespace."""
        for source in matrix.sources(self._platform):
            if source in matrix.INSIDE:
                continue
            name, namespace = pod.name_of(service_code, source), pod.namespace_of(service_code, source, self._platform)
            await self._effects.perform(Effect.DELETE_PROBE_POD, self._cluster.delete(POD, name, namespace, grace=0))


async def resolve(service_code: str, platform: PlatformSettings) -> Addresses:
    """Addresses of everything a cell may aim at. ClusterUnavailable names what does not resolve."""
    hosts = {
        "app": names.service_host(names.APP, service_code),
        "scanner": names.service_host(names.SCANNER, service_code),
        "store": urlsplit(platform.s3_endpoint).hostname or "",
        "iam": urlsplit(platform.iam_endpoint).hostname or "",
        "smtp": platform.smtp_host,
        "mirror": urlsplit(platform.mirror_url).hostname or "",
        "dns": "kube-dns.kube-system.svc",
        "api_server": "kubernetes.default.svc",
        "listener": f"listener.{labels.CANARY_NAMESPACE}.svc",
    }
    loop = asyncio.get_running_loop()
    found: dict[str, str] = {}
    for field in fields(Addresses):
        try:
            answers = await loop.getaddrinfo(hosts[field.name], None, type=socket.SOCK_STREAM)
        except OSError as error:
            raise ClusterUnavailable(f"{hosts[field.name]} does not resolve; look at the cluster's DNS") from error
        found[field.name] = str(answers[0][4][0])
    return Addresses(**found)


def fingerprint(observed: Observed) -> str:
    """Changes with everything that may change what the network lets through."""
    parts = []
    for kind in ("NetworkPolicy", "Service"):
        for each in observed.of_kind(kind):
            metadata = each["metadata"]
            parts.append([kind, metadata["name"], metadata["uid"], metadata.get("generation", 0)])
    return hashlib.sha256(json.dumps(sorted(parts)).encode()).hexdigest()


def listening(observed: Observed, *, scanner: bool = True) -> bool:
    """Whether app and (unless it sleeps) scanner stand: before, an allowed cell could not be open."""
    return all(
        ((observed.get("Deployment", name) or {}).get("status") or {}).get("availableReplicas", 0) > 0
        for name in ((names.APP, names.SCANNER) if scanner else (names.APP,))
    )


def due(known_for: str, now_for: str, due_at: datetime | None, now: datetime) -> bool:
    return known_for != now_for or due_at is None or now.astimezone(UTC) >= due_at
