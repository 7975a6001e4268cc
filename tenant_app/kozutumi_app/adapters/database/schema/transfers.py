"""What is sent, to whom, and what of it was fetched."""

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

transfers: Final = sa.Table(
    "transfers",
    metadata,
    id_column(),
    reference("sender_id", "users"),
    sa.Column("state", sa.String(20), nullable=False, index=True),  # domain.transfers.TransferState
    sealed("subject_sealed", nullable=False),
    sealed("message_sealed", nullable=False),
    count("lifetime"),  # seconds from delivery to expiry
    instant("expires_at", nullable=False, index=True),  # before delivery: when the draft is given up
    count("max_downloads"),  # per recipient and file
    instant("created_at", nullable=False),
    instant("delivered_at"),
    instant("recalled_at"),
    sa.Column("authentication", sa.String(16), nullable=False, server_default="EmailCode"),  # domain.authentication
    sa.Column("password_hash", sa.String(255)),  # argon2id; told to the recipients by another channel
    sa.Column("hold_for", sa.BigInteger, nullable=False, server_default="0"),  # seconds, the sender's own
    sa.Column("notify", sa.String(8), nullable=False, server_default="First"),  # domain.sending.Notify
    sa.Column("warn_before", sa.BigInteger),  # seconds; NULL: by the rule of domain.sending
    instant("warned_at"),  # the sender was told that nobody fetched anything
    instant("held_until"),
    sa.Column("request_id", sa.String(ID_LENGTH), index=True),  # a guest's answer to a receive request of `sender_id`
)

recipients: Final = sa.Table(
    "recipients",
    metadata,
    id_column(),
    reference("transfer_id", "transfers"),
    sa.Column("link_id", sa.String(ID_LENGTH), nullable=False, unique=True),  # public; alone it opens nothing
    sealed("email_sealed", nullable=False),
    sa.Column("email_index", sa.LargeBinary, nullable=False),
    sa.Column("locale", sa.String(8), nullable=False),
    sa.Column("code_hash", sa.LargeBinary),
    sa.Column("code_browser_hash", sa.LargeBinary),  # the browser that asked for the code, and only it, may use it
    instant("code_expires_at"),
    count("code_attempts"),
    count("code_sends"),  # since code_window_at
    instant("code_window_at"),
    instant("code_sent_at"),
    count("downloads_used"),
    instant("mailed_at"),
    instant("revoked_at"),
    sa.Column("password_failures", sa.BigInteger, nullable=False, server_default="0"),  # in a row
    instant("password_locked_until"),
    sa.Column("reminders", sa.BigInteger, nullable=False, server_default="0"),  # since reminder_window_at
    instant("reminder_window_at"),
    instant("reminded_at"),  # mailed again, because the sender asked for it
    instant("fetched_at"),  # the first byte that left
    sa.Column("mail_state", sa.String(16)),  # domain.mail_rules.MailState, of the mail that delivers
    sa.Column("mail_status", sa.String(16)),  # RFC 3463
    sa.UniqueConstraint("transfer_id", "email_index"),
)

recipient_sessions: Final = sa.Table(
    "recipient_sessions",
    metadata,
    sa.Column("id_hash", sa.LargeBinary, primary_key=True),
    reference("recipient_id", "recipients"),
    instant("created_at", nullable=False),
    instant("expires_at", nullable=False, index=True),
    sa.Column("proof", sa.String(16)),  # domain.authentication; NULL: EmailCode
    sa.Column("member_session", sa.LargeBinary),  # session or token (proving.py) an account's proof ends with
)

files: Final = sa.Table(
    "files",
    metadata,
    id_column(),
    reference("transfer_id", "transfers"),
    count("position"),
    sealed("name_sealed", nullable=False),
    sealed("media_type_sealed", nullable=False),
    sealed("path_sealed"),  # with its folders inside the transfer (domain.filenames.safe_path); NULL: in none
    count("size"),  # declared at creation
    count("offset"),  # committed
    sa.Column("state", sa.String(16), nullable=False, index=True),  # domain.files.FileState
    sealed("sha256_sealed"),
    sealed("crc32_sealed"),  # eight hexadecimal digits; known once the whole file was read
    sa.Column("manifest_id", sa.String(64)),
    sa.Column("verdict_manifest_id", sa.String(64)),
    sealed("verdict_sealed"),
    instant("scan_since"),  # since when it waits for a verdict; NULL: since its upload ended, or it has one
    sa.Column("scan_attempts", sa.BigInteger),  # in which the scanner took the content and gave no verdict
    sealed("release_sealed"),  # an administrator's release (domain.files.Release)
    count("key_version"),
    instant("upload_expires_at", index=True),
    sa.Column("concat", sa.Text),  # tus, concatenation: the header as it came; NULL for a file sent whole
    sa.Column(
        "joined_into", sa.String(ID_LENGTH), index=True
    ),  # of a part: the file that takes its bytes and its quota
    sa.Column("joined_position", sa.BigInteger),
    instant("created_at", nullable=False),
    instant("updated_at", nullable=False),
    instant("deleted_at"),  # content is gone and its quota given back; the row stays for the sender's list
    sa.UniqueConstraint("transfer_id", "position"),
)

segments: Final = sa.Table(
    "segments",
    metadata,
    id_column(),
    reference("file_id", "files"),
    count("position"),
    sa.Column("object_id", sa.String(64), nullable=False, unique=True),
    sa.Column("salt", sa.LargeBinary, nullable=False),
    count("length"),
    instant("created_at", nullable=False),
    sa.UniqueConstraint("file_id", "position"),
)

download_sessions: Final = sa.Table(
    "download_sessions",
    metadata,
    sa.Column("id_hash", sa.LargeBinary, primary_key=True),
    reference("recipient_id", "recipients"),
    reference("file_id", "files"),
    instant("created_at", nullable=False),
    instant("expires_at", nullable=False, index=True),
    count("bytes_sent"),
    count("byte_cap"),
    sa.Column("ranges", sa.Text, nullable=False, default="[]"),  # JSON [[start, end), …], merged
    instant("completed_at"),
    sa.Column("archive_hash", sa.LargeBinary, index=True),  # archive_sessions.id_hash; NULL: the file alone
)
