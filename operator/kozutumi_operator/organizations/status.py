"""The whole status of an organization, and whether it is worth a write."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from kozutumi_operator.errors import KeyRingLost
from kozutumi_operator.organizations import (
    audit_watch,
    bucket_names,
    conditions,
    disposal,
    endpoint,
    key_ids,
    moments,
    rotation_report,
)
from kozutumi_operator.organizations.decide import Wait
from kozutumi_operator.organizations.facts import Facts
from kozutumi_operator.organizations.materials import allotted_node_port
from kozutumi_operator.platform import PlatformSettings

REPORT_INTERVAL: Final = timedelta(hours=1)
INVENTORIED: Final = frozenset(
    {
        *("Namespace", "NetworkPolicy", "Secret", "PersistentVolumeClaim", "Deployment", "Service", "RoleBinding"),
        *("ResourceQuota", "LimitRange", "ServiceAccount", "ConfigMap", "PodDisruptionBudget"),
        *("Ingress", "HTTPRoute", "BackendTLSPolicy", "ListenerSet", "Certificate"),
    }
)
UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")


def render(facts: Facts, platform: PlatformSettings, previous: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Status to write. Ages and sizes are rounded: exact ones live in metrics."""
    organization = facts.organization
    status: dict[str, Any] = {
        "observedGeneration": organization.generation,
        "conditions": conditions.conditions(facts, previous.get("conditions", []), now),
        "namespace": organization.namespace,
        "reportedAt": moments.rfc3339(now),
        "inventory": previous.get("inventory", []) if facts.left_alone else _inventory(facts, previous),
    }
    optional = {
        "plan": organization.plan,
        "accepted": facts.accepted,
        "url": _url(facts, platform, previous),
        "encryption": _encryption(facts, previous),
        "usage": _usage(facts) or previous.get("usage"),
        "scanner": _scanner(facts) or previous.get("scanner"),
        "audit": _audit(facts, previous),
        "isolation": _isolation(facts) or previous.get("isolation"),
        "confirmed": facts.consent.record if facts.consent is not None else previous.get("confirmed"),
        "retainedUntil": _retained_until(facts),
        "disposal": {"step": facts.disposal_step} if facts.disposal_step else None,
    }
    return status | {key: value for key, value in optional.items() if value}


def worth_writing(previous: Mapping[str, Any], current: Mapping[str, Any], now: datetime) -> bool:
    """True for a change that matters at once, and for a change of rounded figures at most hourly."""
    if _matters(previous) != _matters(current):
        return True
    if _figures(previous) == _figures(current):
        return False
    reported = previous.get("reportedAt")
    return reported is None or now - datetime.fromisoformat(reported) >= REPORT_INTERVAL


def recorded_key_ids(status: Mapping[str, Any]) -> tuple[str, ...]:
    """Key ids recorded in status.encryption.keyIds; empty before the ring was made."""
    return tuple((status.get("encryption") or {}).get("keyIds") or ())


def recorded_node_port(status: Mapping[str, Any]) -> int | None:
    """The node port that status.url names, so that a lost Service comes back at the same address."""
    return endpoint.node_port(status.get("url") or "")


def human_size(count: int) -> str:
    """`count` bytes with at most three digits, such as "1.2 GiB"."""
    value, unit = float(count), 0
    while value >= 1000 and unit < len(UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.0f} {UNITS[unit]}" if unit == 0 or value >= 100 else f"{value:.1f} {UNITS[unit]}"


def human_age(seconds: int) -> str:
    """An age in its largest whole unit: "3d", "5h", "20m", "0m"."""
    if seconds >= 2 * 86400:
        return f"{seconds // 86400}d"
    return f"{seconds // 3600}h" if seconds >= 3600 else f"{max(seconds, 0) // 600 * 10}m"


def _matters(status: Mapping[str, Any]) -> dict[str, Any]:
    matters = {key: value for key, value in status.items() if key not in ("reportedAt", "usage")}
    matters["encryption"] = {**(status.get("encryption") or {}), "progress": None}
    matters["scanner"] = (status.get("scanner") or {}).get("signatureVersion")
    matters["audit"] = (status.get("audit") or {}).get("lost")
    isolation = status.get("isolation") or {}
    matters["isolation"] = (isolation.get("allowed"), isolation.get("denied"))
    return matters


def _figures(status: Mapping[str, Any]) -> tuple[Any, ...]:
    progress = (status.get("encryption") or {}).get("progress")
    return (progress, *(status.get(key) for key in ("usage", "scanner", "isolation", "audit")))


def _url(facts: Facts, platform: PlatformSettings, previous: Mapping[str, Any]) -> str:
    port = recorded_node_port(previous) or allotted_node_port(facts.observed)
    return endpoint.url(facts.organization, platform, port)


def _encryption(facts: Facts, previous: Mapping[str, Any]) -> dict[str, Any] | None:
    """What was once recorded stays recorded: a damaged or lost ring must not clear its own trace."""
    recorded: dict[str, Any] | None = previous.get("encryption")
    try:
        ring = key_ids.found(facts.observed)
        key_ids.check(recorded_key_ids(previous), ring)
    except KeyRingLost:
        return recorded
    if ring is None:
        return recorded
    return {
        "activeKeyVersion": ring.active,
        "keyIds": list(key_ids.of_ring(ring)),
        **rotation_report.render(facts, ring),
    }


def _usage(facts: Facts) -> dict[str, Any] | None:
    tenant = facts.tenant
    if tenant is None:
        return None
    return {"storage": human_size(tenant.used_bytes), "files": tenant.files, "users": tenant.users}


def _scanner(facts: Facts) -> dict[str, Any] | None:
    tenant = facts.tenant
    if tenant is None or tenant.signature_version is None:
        return None
    age = {} if tenant.signature_age is None else {"signatureAge": human_age(tenant.signature_age)}
    return {"signatureVersion": tenant.signature_version, **age}


def _audit(facts: Facts, previous: Mapping[str, Any]) -> dict[str, Any] | None:
    recorded: dict[str, Any] | None = previous.get("audit")
    return recorded if facts.audit is None else audit_watch.render(facts.audit) or recorded


def _isolation(facts: Facts) -> dict[str, Any] | None:
    result = facts.isolation
    if result is None:
        return None
    return {"probedAt": result.probed_at, "allowed": result.allowed, "denied": result.denied}


def _retained_until(facts: Facts) -> str | None:
    until = disposal.retained_until(facts.organization)
    return None if until is None else moments.rfc3339(until)


def _inventory(facts: Facts, previous: Mapping[str, Any]) -> list[str]:
    """Every asset (control A.8.1.1), as Kind/name; volumes and buckets hold user data, the rest operates.

    What is on record stays there until a look went through: it is how a deletion is told from a first making.
    """
    objects = {f"{key.kind}/{key.name}" for key in facts.observed.objects if key.kind in INVENTORIED}
    if facts.failure is not None or any(not isinstance(action, Wait) for action in facts.remaining):
        objects |= set(previous.get("inventory") or ())
    stored = set(facts.storage.inventory) if facts.storage else bucket_names.kept(previous)
    return sorted(objects | stored)
