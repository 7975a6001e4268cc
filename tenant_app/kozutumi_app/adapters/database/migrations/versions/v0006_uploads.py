"""Parts of files, tokens of uploads, and what comparing database and bucket has found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kozutumi_app.adapters.database.schema import Instant

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("files", sa.Column("concat", sa.Text))
    op.add_column("files", sa.Column("joined_into", sa.String(32)))
    op.add_column("files", sa.Column("joined_position", sa.BigInteger))
    op.create_index("ix_files_joined_into", "files", ["joined_into"])
    _upload_tokens()
    _reconciliation()


def _upload_tokens() -> None:
    op.create_table(
        "upload_tokens",
        sa.Column("id_hash", sa.LargeBinary, nullable=False),
        sa.Column("transfer_id", sa.String(32), nullable=False),
        sa.Column("file_id", sa.String(32)),
        sa.Column("actor_id", sa.String(64), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.Column("ends_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id_hash", name="pk_upload_tokens"),
        sa.ForeignKeyConstraint(
            ["transfer_id"], ["transfers.id"], name="fk_upload_tokens_transfer_id", ondelete="CASCADE"
        ),
    )
    for column in ("transfer_id", "file_id", "expires_at"):
        op.create_index(f"ix_upload_tokens_{column}", "upload_tokens", [column])


def _reconciliation() -> None:
    op.create_table(
        "reconciliations",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("started_at", Instant, nullable=False),
        sa.Column("finished_at", Instant, nullable=False),
        sa.Column("objects", sa.BigInteger, nullable=False),
        sa.Column("files", sa.BigInteger, nullable=False),
        sa.Column("found", sa.BigInteger, nullable=False),
        sa.Column("repaired", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reconciliations"),
    )
    op.create_index("ix_reconciliations_started_at", "reconciliations", ["started_at"])
    op.create_table(
        "discrepancies",
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("place", sa.String(512), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("found_at", Instant, nullable=False),
        sa.Column("seen_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("kind", "place", name="pk_discrepancies"),
    )
    op.create_index("ix_discrepancies_seen_at", "discrepancies", ["seen_at"])
