"""What happened, what is still to be done, and what the platform has said."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from kozutumi_app.adapters.database.schema.columns import ID_LENGTH, count, id_column, instant, metadata, sealed

audit_events: Final = sa.Table(
    "audit_events",
    metadata,
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("time", sa.String(32), nullable=False),  # RFC 3339, hashed as text
    sa.Column("type", sa.String(64), nullable=False),
    sa.Column("actor_id", sa.String(64), nullable=False),
    sa.Column("object_id", sa.String(64), nullable=False, index=True),
    sa.Column("outcome", sa.String(32), nullable=False),
    sealed("sealed", nullable=False),
    sa.Column("previous_hash", sa.LargeBinary, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
)

jobs: Final = sa.Table(
    "jobs",
    metadata,
    sa.Column("kind", sa.String(32), primary_key=True),
    sa.Column("subject_id", sa.String(96), primary_key=True),
    sa.Column("state", sa.String(16), nullable=False),  # waiting | failed; a finished job's row is deleted
    instant("run_at", nullable=False),
    instant("lease_until"),
    sa.Column("lease_id", sa.String(ID_LENGTH)),
    sa.Column("claimed_generation", sa.BigInteger),  # which asking the run under the lease answers
    count("generation"),  # raised when the job is asked for again, so that finishing an older run keeps it
    count("attempts"),
    sa.Column("last_error", sa.String(64)),  # an error's code, never its details
    sa.Column("occasion", sa.String(ID_LENGTH)),  # one for each asking, so that a mail's retry is the same mail
    instant("asked_at"),
    sa.Index("ix_jobs_due", "state", "run_at"),
)

changes: Final = sa.Table(
    "changes",
    metadata,
    id_column(),  # the operator's: a digest of field, old and new value
    sa.Column("kind", sa.String(64), nullable=False),  # the field of the Organization
    sealed("summary_sealed", nullable=False),
    sa.Column("state", sa.String(16), nullable=False, index=True),  # use_cases.consent.State
    instant("created_at", nullable=False),
    instant("decided_at"),
    sa.Column("decided_by", sa.String(64)),
)

operator_acts: Final = sa.Table(
    "operator_acts",
    metadata,
    sa.Column("key", sa.String(96), primary_key=True),
    sa.Column("sequence", sa.BigInteger, nullable=False),  # of the audit event that was written for it
)

settings: Final = sa.Table(
    "settings",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

announcements: Final = sa.Table(
    "announcements",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),  # the platform's name for it
    sa.Column("digest", sa.String(64), nullable=False),  # of `document`, so that the platform can tell what is here
    sa.Column("document", sa.Text, nullable=False),  # JSON; the platform's own words, nothing of the organization
    instant("until"),
    instant("received_at", nullable=False),
)
