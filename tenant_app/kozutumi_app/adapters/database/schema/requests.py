"""What members ask guests for, and what became of each mail."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from kozutumi_app.adapters.database.schema.columns import (
    ID_LENGTH,
    count,
    id_column,
    instant,
    metadata,
    reference,
    sealed,
)

receive_requests: Final = sa.Table(
    "receive_requests",
    metadata,
    id_column(),
    reference("owner_id", "users"),
    sa.Column("link_id", sa.String(ID_LENGTH), nullable=False, unique=True),  # public; alone it opens nothing
    sealed("email_sealed", nullable=False),
    sa.Column("email_index", sa.LargeBinary, nullable=False),
    sa.Column("locale", sa.String(8), nullable=False),
    sealed("subject_sealed", nullable=False),
    sealed("message_sealed", nullable=False),
    sa.Column("once", sa.Boolean, nullable=False),  # closes with the first answer
    count("max_files"),  # of all answers together
    count("max_bytes"),  # likewise
    sa.Column("types", sa.Text, nullable=False),  # extensions, sorted, comma between; empty: any
    instant("expires_at", nullable=False, index=True),
    instant("created_at", nullable=False),
    instant("closed_at"),
    sa.Column("code_hash", sa.LargeBinary),
    sa.Column("code_browser_hash", sa.LargeBinary),  # as of recipients
    instant("code_expires_at"),
    count("code_attempts"),
    count("code_sends"),
    instant("code_window_at"),
    instant("code_sent_at"),
    sa.Column("mail_state", sa.String(16)),  # domain.mail_rules.MailState
    sa.Column("mail_status", sa.String(16)),  # RFC 3463
)

guest_sessions: Final = sa.Table(
    "guest_sessions",
    metadata,
    sa.Column("id_hash", sa.LargeBinary, primary_key=True),
    reference("request_id", "receive_requests"),
    instant("created_at", nullable=False),
    instant("expires_at", nullable=False, index=True),
)

mails: Final = sa.Table(
    "mails",
    metadata,
    sa.Column("id", sa.String(ID_LENGTH), primary_key=True),  # of the Message-ID: keyed, so nobody can guess one
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("row_id", sa.String(64), nullable=False),
    sa.Column("object_id", sa.String(64), nullable=False),
    sa.Column("recipient_id", sa.String(ID_LENGTH)),  # whose `mail_state` follows this mail
    sa.Column("request_id", sa.String(ID_LENGTH)),  # likewise
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("status", sa.String(16)),
    instant("sent_at", nullable=False, index=True),
    instant("changed_at", nullable=False),
)
