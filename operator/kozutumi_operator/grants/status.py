"""A grant's status: what was done when, and one condition that says why it is in force or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from kozutumi_operator.grants.grant import AccessGrant, Progress
from kozutumi_operator.organizations import moments

ACTIVE: Final = "Active"
# reason → what it means; the message adds the particulars.
AWAITING_APPROVAL: Final = "AwaitingApproval"
AWAITING_ORGANIZATION: Final = "AwaitingOrganization"
AWAITING_AUDIT: Final = "AwaitingAudit"
GRANTED: Final = "Granted"
NOT_APPROVED: Final = "NotApproved"
EXPIRED: Final = "Expired"
REVOKED: Final = "Revoked"
CLOSING_AUDIT: Final = "ClosingAudit"
REASONS: Final = (
    *(AWAITING_APPROVAL, AWAITING_ORGANIZATION, AWAITING_AUDIT, GRANTED),
    *(NOT_APPROVED, EXPIRED, REVOKED, CLOSING_AUDIT),
)
_NAMES: Final = {
    "approved_at": "approvedAt",
    "expires_at": "expiresAt",
    "audited_at": "auditedAt",
    "active_at": "activeAt",
    "ended_at": "endedAt",
}


def render(
    grant: AccessGrant, progress: Progress, previous: Mapping[str, Any], *, reason: str, message: str, now: datetime
) -> dict[str, Any]:
    """The whole status. lastTransitionTime is kept where the condition's status is the same."""
    times = {
        _NAMES[name]: moments.rfc3339(value) for name, value in asdict(progress).items() if isinstance(value, datetime)
    }
    value = "True" if reason == GRANTED else "False"
    old = next((each for each in previous.get("conditions") or () if each["type"] == ACTIVE), None)
    since = old["lastTransitionTime"] if old is not None and old["status"] == value else moments.rfc3339(now)
    condition = {
        "type": ACTIVE,
        "status": value,
        "reason": reason,
        "message": message[:1024],
        "lastTransitionTime": since,
        "observedGeneration": grant.generation,
    }
    return {
        "observedGeneration": grant.generation,
        "phase": progress.phase,
        **times,
        "conditions": [condition],
    }


def details(grant: AccessGrant) -> dict[str, str]:
    """What the organization's administrators read in their audit log."""
    expires = grant.progress.expires_at
    return {
        "grant": grant.name,
        "role": grant.role,
        "subject": grant.subject,
        "requested_by": grant.requested_by,
        "approved_by": grant.approved_by or "",
        "reason": grant.reason,
        "ticket": grant.ticket,
        "expires": moments.rfc3339(expires) if expires else "",
        **({"changes": ", ".join(grant.changes)} if grant.changes else {}),
    }
