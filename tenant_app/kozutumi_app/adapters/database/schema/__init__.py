"""The tables of one organization's database. The migrations make exactly these (a test holds the two equal).

A new area gets a module of its own here; a column for one of these tables goes into its module.
"""

from __future__ import annotations

from kozutumi_app.adapters.database.schema.api import api_tokens, idempotency_keys
from kozutumi_app.adapters.database.schema.audit import audit_keys, audit_removals, audit_seals
from kozutumi_app.adapters.database.schema.columns import Instant, metadata
from kozutumi_app.adapters.database.schema.delivery import archive_sessions, member_downloads
from kozutumi_app.adapters.database.schema.people import invitations, sessions, users
from kozutumi_app.adapters.database.schema.policies import (
    approval_notices,
    approval_requests,
    approval_votes,
    group_members,
    groups,
    policies,
    substitutes,
)
from kozutumi_app.adapters.database.schema.records import (
    announcements,
    audit_events,
    changes,
    jobs,
    operator_acts,
    settings,
)
from kozutumi_app.adapters.database.schema.requests import guest_sessions, mails, receive_requests
from kozutumi_app.adapters.database.schema.transfers import (
    download_sessions,
    files,
    recipient_sessions,
    recipients,
    segments,
    transfers,
)
from kozutumi_app.adapters.database.schema.uploads import discrepancies, reconciliations, upload_tokens

__all__ = [
    "Instant",
    "announcements",
    "api_tokens",
    "approval_notices",
    "approval_requests",
    "approval_votes",
    "archive_sessions",
    "audit_events",
    "audit_keys",
    "audit_removals",
    "audit_seals",
    "changes",
    "discrepancies",
    "download_sessions",
    "files",
    "group_members",
    "groups",
    "guest_sessions",
    "idempotency_keys",
    "invitations",
    "jobs",
    "mails",
    "member_downloads",
    "metadata",
    "operator_acts",
    "policies",
    "receive_requests",
    "recipient_sessions",
    "recipients",
    "reconciliations",
    "segments",
    "sessions",
    "settings",
    "substitutes",
    "transfers",
    "upload_tokens",
    "users",
]
