"""How recipients prove themselves, notices to the sender, reminders, folders."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    _add(
        "transfers",
        sa.Column("authentication", sa.String(length=16), server_default="EmailCode", nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column("hold_for", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("notify", sa.String(length=8), server_default="First", nullable=False),
        sa.Column("warn_before", sa.BigInteger(), nullable=True),
        sa.Column("warned_at", sa.BigInteger(), nullable=True),
    )
    _add(
        "recipients",
        sa.Column("password_failures", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("password_locked_until", sa.BigInteger(), nullable=True),
        sa.Column("reminders", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reminder_window_at", sa.BigInteger(), nullable=True),
        sa.Column("reminded_at", sa.BigInteger(), nullable=True),
        sa.Column("fetched_at", sa.BigInteger(), nullable=True),
    )
    _add(
        "recipient_sessions",
        sa.Column("proof", sa.String(length=16), nullable=True),
        sa.Column("member_session", sa.LargeBinary(), nullable=True),
    )
    _add("files", sa.Column("path_sealed", sa.LargeBinary(), nullable=True))


def _add(table: str, *columns: sa.Column[object]) -> None:
    for column in columns:
        op.add_column(table, column)
