"""What programs use instead of a browser's session: tokens, and the answers kept for requests sent twice."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from kozutumi_app.adapters.database.schema.columns import ID_LENGTH, id_column, instant, metadata, reference, sealed

api_tokens: Final = sa.Table(
    "api_tokens",
    metadata,
    id_column(),
    reference("user_id", "users"),  # a person's, or a service account's (role `service`)
    sealed("name_sealed", nullable=False),
    sa.Column("token_index", sa.LargeBinary, nullable=False, unique=True),  # keyed hash; the token itself is nowhere
    sa.Column("scopes", sa.String(255), nullable=False),  # separated by blanks
    sa.Column("created_by", sa.String(ID_LENGTH), nullable=False),
    instant("created_at", nullable=False),
    instant("expires_at", nullable=False),
    instant("last_used_at"),
    instant("refused_at"),  # when a refusal was last written to the audit log: a forgotten script must not fill it
    instant("revoked_at"),
)

idempotency_keys: Final = sa.Table(
    "idempotency_keys",
    metadata,
    id_column(),
    sa.Column("caller_id", sa.String(ID_LENGTH), nullable=False),
    sa.Column("key_hash", sa.LargeBinary, nullable=False),
    sa.Column("fingerprint", sa.LargeBinary, nullable=False),  # keyed hash of method, path and body
    sa.Column("status", sa.Integer),  # NULL while the first request runs
    sealed("answer_sealed"),
    instant("created_at", nullable=False),
    instant("expires_at", nullable=False, index=True),
    sa.UniqueConstraint("caller_id", "key_hash"),
)
