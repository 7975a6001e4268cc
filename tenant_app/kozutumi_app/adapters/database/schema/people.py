"""Who has an account, and what lets them in."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from kozutumi_app.adapters.database.schema.columns import count, id_column, instant, metadata, reference, sealed

users: Final = sa.Table(
    "users",
    metadata,
    id_column(),
    sealed("email_sealed", nullable=False),
    sa.Column("email_index", sa.LargeBinary, nullable=False, unique=True),
    sealed("name_sealed"),
    sa.Column("role", sa.String(16), nullable=False),  # admin | member
    sa.Column("password_hash", sa.String(255)),  # NULL until the invitation is accepted
    sa.Column("locale", sa.String(8), nullable=False),
    sa.Column("disabled", sa.Boolean, nullable=False, default=False),
    count("failed_attempts"),
    instant("locked_until"),
    instant("created_at", nullable=False),
    instant("accepted_at"),
)

invitations: Final = sa.Table(
    "invitations",
    metadata,
    id_column(),
    reference("user_id", "users"),
    sa.Column("token_hash", sa.LargeBinary, nullable=False, unique=True),
    instant("expires_at", nullable=False),
    instant("used_at"),
    instant("created_at", nullable=False),
)

sessions: Final = sa.Table(
    "sessions",
    metadata,
    sa.Column("id_hash", sa.LargeBinary, primary_key=True),
    reference("user_id", "users"),
    instant("created_at", nullable=False),
    instant("last_seen_at", nullable=False),
    instant("expires_at", nullable=False, index=True),
)
