"""What the operator counts as it works."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Final

import aiohttp
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from kozutumi_operator.errors import OperatorError
from kozutumi_operator.reports.outcomes import Outcome

_PATH: Final = re.compile(
    r"/(?:api|apis/[^/]+)/[^/]+(?:/namespaces/[^/]+(?=/))?/(?P<plural>[a-z]+)(?P<name>/[^/]+)?(?P<sub>/[a-z]+)?"
)
_VERBS: Final = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
BUCKETS: Final = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100)


class Metrics:
    """One registry of the operator's own; nothing is global."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._reconciles = Counter(
            "kozutumi_reconcile", "Looks at organizations, by result.", ["result"], registry=self.registry
        )
        self._durations = Histogram(
            "kozutumi_reconcile_duration_seconds", "Time of a look.", buckets=BUCKETS, registry=self.registry
        )
        self._repairs = Counter(
            "kozutumi_drift_repairs", "Drift that was repaired, by kind.", ["kind"], registry=self.registry
        )
        self._requests = Counter(
            "kozutumi_api_requests", "Requests to the API server.", ["verb", "resource"], registry=self.registry
        )
        self._watched = Gauge(
            "kozutumi_watch_last_event_timestamp_seconds",
            "When a watch last delivered something; leases tell of life, for the operator renews its own.",
            ["resource"],
            registry=self.registry,
        )
        self.leader = Gauge("kozutumi_leader", "1 on the operator that is at work, else 0.", registry=self.registry)
        self._reports = Counter(
            "kozutumi_operator_reports", "Reports of mail, by outcome.", ["outcome"], registry=self.registry
        )
        for outcome in Outcome:
            self._reports.labels(outcome)
        for result in ("success", "retry", "error"):
            self._reconciles.labels(result)

    def reported(self, outcome: Outcome) -> None:
        self._reports.labels(outcome).inc()

    def repaired(self, kind: str) -> None:
        self._repairs.labels(kind).inc()

    def watched(self, resource: str) -> None:
        self._watched.labels(resource).set(time.time())

    def requested(self, method: str, path: str, *, watch: bool = False) -> None:
        verb, resource = request_of(method, path)
        self._requests.labels("watch" if watch else verb, resource).inc()

    def timed(self, look: Callable[[str], Awaitable[float | None]]) -> Callable[[str], Awaitable[float | None]]:
        """`look`, with its time and its result counted. "retry" was expected and is tried again, "error" is a defect."""

        async def counted(name: str) -> float | None:
            started = time.perf_counter()
            result = "error"
            try:
                after = await look(name)
                result = "success"
            except OperatorError:
                result = "retry"
                raise
            finally:
                self._durations.observe(time.perf_counter() - started)
                self._reconciles.labels(result).inc()
            return after

        return counted

    def trace(self) -> aiohttp.TraceConfig:
        """For the session that talks to the API server."""
        config = aiohttp.TraceConfig()

        async def start(
            _: aiohttp.ClientSession, __: SimpleNamespace, parameters: aiohttp.TraceRequestStartParams
        ) -> None:
            url = parameters.url
            self.requested(parameters.method, url.path, watch=url.query.get("watch") == "true")

        config.on_request_start.append(start)
        return config


def request_of(method: str, path: str) -> tuple[str, str]:
    """Verb and resource of a request as audit logs name them; no name of an object becomes a label."""
    found = _PATH.fullmatch(path)
    if found is None:
        return method.lower(), "other"
    resource = found["plural"] + (found["sub"] or "")
    if method == "GET":
        return ("get" if found["name"] else "list"), resource
    return _VERBS.get(method, method.lower()), resource
