"""An AccessGrant as the API server stores it, parsed once into typed values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from kozutumi_contract import labels
from kozutumi_operator.organizations import quantities

Phase = Literal["Pending", "Active", "Expired", "Revoked"]
Role = Literal["Diagnose", "Operate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What the operator has done, as its status records it. Each is set once, in this order."""

    phase: Phase = "Pending"
    approved_at: datetime | None = None
    expires_at: datetime | None = None
    audited_at: datetime | None = None
    active_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessGrant:
    """`duration` is in seconds. `approved_by` is None until somebody else has approved it."""

    name: str
    uid: str
    generation: int
    created: datetime
    deleting: bool
    finalizers: tuple[str, ...]
    organization: str
    subject: str
    role: Role
    requested_by: str
    approved_by: str | None
    reason: str
    ticket: str
    duration: int
    changes: tuple[str, ...]
    progress: Progress

    @property
    def has_finalizer(self) -> bool:
        return labels.GRANT_FINALIZER in self.finalizers


def parse(body: Mapping[str, Any]) -> AccessGrant:
    """Admission and the CRD's rules have checked it. ValueError where they were not in force."""
    metadata, spec = body["metadata"], body["spec"]
    approved_by, requested_by = spec.get("approvedBy"), spec["requestedBy"]
    if approved_by in {requested_by, spec["subject"]}:
        raise ValueError(f"access grant {metadata['name']} is approved by who asked for it or gets it")
    duration = quantities.duration(spec["duration"])
    if duration > LONGEST:
        raise ValueError(f"access grant {metadata['name']} is for more than 8h")
    return AccessGrant(
        name=metadata["name"],
        uid=metadata["uid"],
        generation=metadata.get("generation", 0),
        created=datetime.fromisoformat(metadata["creationTimestamp"]),
        deleting="deletionTimestamp" in metadata,
        finalizers=tuple(metadata.get("finalizers") or ()),
        organization=spec["organization"],
        subject=spec["subject"],
        role=spec["role"],
        requested_by=requested_by,
        approved_by=approved_by,
        reason=spec["reason"],
        ticket=spec["ticket"],
        duration=duration,
        changes=tuple(spec.get("changes") or ()),
        progress=_progress(body.get("status") or {}),
    )


LONGEST = 8 * 3600


def _progress(status: Mapping[str, Any]) -> Progress:
    def moment(name: str) -> datetime | None:
        return datetime.fromisoformat(status[name]) if status.get(name) else None

    return Progress(
        phase=status.get("phase") or "Pending",
        approved_at=moment("approvedAt"),
        expires_at=moment("expiresAt"),
        audited_at=moment("auditedAt"),
        active_at=moment("activeAt"),
        ended_at=moment("endedAt"),
    )
