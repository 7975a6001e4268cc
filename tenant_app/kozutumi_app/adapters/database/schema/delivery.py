"""Downloads beside a recipient's of one file: several files as one archive, and members who read."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from kozutumi_app.adapters.database.schema.columns import count, instant, metadata, reference

archive_sessions: Final = sa.Table(
    "archive_sessions",
    metadata,
    sa.Column("id_hash", sa.LargeBinary, primary_key=True),
    reference("transfer_id", "transfers"),
    sa.Column("capacity", sa.String(16), nullable=False),  # domain.grants.Capacity
    sa.Column("reader_id", sa.String(32), nullable=False),  # of a recipient or of a user
    instant("created_at", nullable=False),
    instant("expires_at", nullable=False, index=True),
    count("bytes_sent"),
    count("byte_cap"),
)

member_downloads: Final = sa.Table(
    "member_downloads",
    metadata,
    sa.Column("id_hash", sa.LargeBinary, primary_key=True),
    reference("user_id", "users"),
    reference("file_id", "files"),
    sa.Column("capacity", sa.String(16), nullable=False),
    sa.Column("archive_hash", sa.LargeBinary, index=True),  # archive_sessions.id_hash; NULL: the file alone
    instant("created_at", nullable=False),
    instant("expires_at", nullable=False, index=True),
    count("bytes_sent"),
    count("byte_cap"),
    sa.Column("ranges", sa.Text, nullable=False, default="[]"),  # JSON [[start, end), …], merged
    instant("completed_at"),
)
