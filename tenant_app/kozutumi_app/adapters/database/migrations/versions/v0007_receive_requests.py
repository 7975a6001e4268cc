"""Receive requests, and what became of each mail."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    _receive_requests()
    _guest_sessions()
    _mails()
    op.add_column("transfers", sa.Column("request_id", sa.String(length=32), nullable=True))
    op.create_index("ix_transfers_request_id", "transfers", ["request_id"])
    op.add_column("recipients", sa.Column("mail_state", sa.String(length=16), nullable=True))
    op.add_column("recipients", sa.Column("mail_status", sa.String(length=16), nullable=True))
    op.add_column("jobs", sa.Column("occasion", sa.String(length=32), nullable=True))
    op.add_column("jobs", sa.Column("asked_at", sa.BigInteger(), nullable=True))


def _receive_requests() -> None:
    op.create_table(
        "receive_requests",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("owner_id", sa.String(length=32), nullable=False),
        sa.Column("link_id", sa.String(length=32), nullable=False),
        sa.Column("email_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("email_index", sa.LargeBinary(), nullable=False),
        sa.Column("locale", sa.String(length=8), nullable=False),
        sa.Column("subject_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("message_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("once", sa.Boolean(), nullable=False),
        sa.Column("max_files", sa.BigInteger(), nullable=False),
        sa.Column("max_bytes", sa.BigInteger(), nullable=False),
        sa.Column("types", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("code_hash", sa.LargeBinary(), nullable=True),
        sa.Column("code_browser_hash", sa.LargeBinary(), nullable=True),
        sa.Column("code_expires_at", sa.BigInteger(), nullable=True),
        sa.Column("code_attempts", sa.BigInteger(), nullable=False),
        sa.Column("code_sends", sa.BigInteger(), nullable=False),
        sa.Column("code_window_at", sa.BigInteger(), nullable=True),
        sa.Column("code_sent_at", sa.BigInteger(), nullable=True),
        sa.Column("mail_state", sa.String(length=16), nullable=True),
        sa.Column("mail_status", sa.String(length=16), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receive_requests")),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_receive_requests_owner_id"), ondelete="CASCADE"
        ),
        sa.UniqueConstraint("link_id", name=op.f("uq_receive_requests_link_id")),
    )
    op.create_index("ix_receive_requests_owner_id", "receive_requests", ["owner_id"])
    op.create_index("ix_receive_requests_expires_at", "receive_requests", ["expires_at"])


def _guest_sessions() -> None:
    op.create_table(
        "guest_sessions",
        sa.Column("id_hash", sa.LargeBinary(), nullable=False),
        sa.Column("request_id", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id_hash", name=op.f("pk_guest_sessions")),
        sa.ForeignKeyConstraint(
            ["request_id"], ["receive_requests.id"], name=op.f("fk_guest_sessions_request_id"), ondelete="CASCADE"
        ),
    )
    op.create_index("ix_guest_sessions_request_id", "guest_sessions", ["request_id"])
    op.create_index("ix_guest_sessions_expires_at", "guest_sessions", ["expires_at"])


def _mails() -> None:
    op.create_table(
        "mails",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("row_id", sa.String(length=64), nullable=False),
        sa.Column("object_id", sa.String(length=64), nullable=False),
        sa.Column("recipient_id", sa.String(length=32), nullable=True),
        sa.Column("request_id", sa.String(length=32), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=True),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mails")),
    )
    op.create_index("ix_mails_sent_at", "mails", ["sent_at"])
