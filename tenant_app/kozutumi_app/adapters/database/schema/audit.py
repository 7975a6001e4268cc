"""Beside the events: the heads that were sealed, the key that signs them, and what was removed when its time was over."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from kozutumi_app.adapters.database.schema.columns import instant, metadata, sealed

audit_seals: Final = sa.Table(
    "audit_seals",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("sequence", sa.BigInteger, nullable=False, index=True),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    instant("time", nullable=False),
    sa.Column("document", sa.Text, nullable=False),  # the object as it lies, or will lie, in the archive bucket
    instant("stored_at"),
)

audit_keys: Final = sa.Table(
    "audit_keys",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),  # SHA-256 of the public key
    sealed("private_sealed", nullable=False),  # under the audit key of the ring
    sa.Column("public_key", sa.Text, nullable=False),  # PEM
    instant("created_at", nullable=False),
)

audit_removals: Final = sa.Table(
    "audit_removals",
    metadata,
    sa.Column("through", sa.BigInteger, primary_key=True, autoincrement=False),  # the last event that was removed
    sa.Column("hash", sa.LargeBinary, nullable=False),  # its hash, on which the rest hangs
    sa.Column("checkpoint", sa.BigInteger, nullable=False),  # sequence of the event that says so
    instant("removed_at", nullable=False),
)
