"""Which organization a host belongs to. No two may serve the same one; without a webhook, the operator decides.

The older keeps it (creationTimestamp, then name), as with the routes of the Gateway API: a rule that needs no memory
and that no order of events can change.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kozutumi_operator.errors import SpecRefused
from kozutumi_operator.organizations.reasons import Reason

_NEVER: Final = "9999"  # sorts behind every RFC 3339 time: an object that the API server has not dated yet


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """Orders by seniority."""

    created: str
    name: str
    hosts: frozenset[str] = field(compare=False)  # lower-case DNS names


def claim(body: Mapping[str, Any], domain: str) -> Claim:
    """What an Organization lays claim to: its `spec.endpoint.hosts`, else its host under the platform's domain."""
    name = body["metadata"]["name"]
    named = ((body.get("spec") or {}).get("endpoint") or {}).get("hosts") or [f"{name}.{domain}"]
    return Claim(body["metadata"].get("creationTimestamp") or _NEVER, name, frozenset(map(str.lower, named)))


@dataclass(slots=True)
class HostRegistry:
    """The claims of all organizations, by name."""

    domain: str
    claims: dict[str, Claim] = field(default_factory=dict)

    def put(self, body: Mapping[str, Any]) -> list[str]:
        """Take note of a claim; returns which organizations should be looked at again."""
        new = claim(body, self.domain)
        old = self.claims.get(new.name)
        self.claims[new.name] = new
        if old == new and old.hosts == new.hosts:
            return []
        return self._rivals(new.name, (old.hosts if old else frozenset()) | new.hosts)

    def drop(self, name: str) -> list[str]:
        """Forget an organization that is gone; returns who may have waited for its hosts."""
        old = self.claims.pop(name, None)
        return self._rivals(name, old.hosts) if old else []

    def lost(self, name: str) -> dict[str, str]:
        """Hosts that `name` asks for and may not have, each with the service code that has it."""
        lost = {}
        for host in sorted(self.claims[name].hosts):
            owner = (
                _reserved_for(host, self.domain)
                or min(each for each in self.claims.values() if host in each.hosts).name
            )
            if owner != name:
                lost[host] = owner
        return lost

    def _rivals(self, name: str, hosts: Iterable[str]) -> list[str]:
        wanted = set(hosts)
        return sorted(each.name for each in self.claims.values() if each.name != name and each.hosts & wanted)


def conflict(lost: Mapping[str, str]) -> SpecRefused:
    """The refusal for lost hosts; what else the manifest says is served."""
    told = ", ".join(f"{host} belongs to organization {owner}" for host, owner in lost.items())
    return SpecRefused(
        f"spec.endpoint.hosts: {told}, and is not served here; remove it here or there.", because=Reason.HOST_CONFLICT
    )


def without(body: Mapping[str, Any], lost: Iterable[str]) -> dict[str, Any]:
    """The manifest without the lost hosts. None left: the host under the platform's domain, which nobody can take."""
    result = copy.deepcopy(dict(body))
    endpoint = result["spec"].get("endpoint") or {}
    gone = set(lost)
    endpoint["hosts"] = [host for host in endpoint.get("hosts") or () if host.lower() not in gone]
    result["spec"]["endpoint"] = endpoint
    return result


def _reserved_for(host: str, domain: str) -> str | None:
    """`<code>.<platform domain>` and below are kept for that code, also while no such organization exists."""
    if not host.endswith(f".{domain}"):
        return None
    return host.removesuffix(f".{domain}").rpartition(".")[2]
