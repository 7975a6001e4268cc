"""What lets an upload go on without a session, and what comparing database and bucket has found."""

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
)

upload_tokens: Final = sa.Table(
    "upload_tokens",
    metadata,
    sa.Column("id_hash", sa.LargeBinary, primary_key=True),
    reference("transfer_id", "transfers"),
    sa.Column("file_id", sa.String(ID_LENGTH), index=True),  # NULL: may create files of the transfer
    sa.Column("actor_id", sa.String(64), nullable=False),  # who acts, in the audit log
    instant("created_at", nullable=False),
    instant("expires_at", nullable=False, index=True),
    instant("ends_at", nullable=False),  # renewing does not go past this
)

reconciliations: Final = sa.Table(
    "reconciliations",
    metadata,
    id_column(),
    instant("started_at", nullable=False, index=True),
    instant("finished_at", nullable=False),
    count("objects"),  # that were listed
    count("files"),  # that were looked at
    count("found"),
    count("repaired"),
)

discrepancies: Final = sa.Table(
    "discrepancies",
    metadata,
    sa.Column("kind", sa.String(32), primary_key=True),  # use_cases.reconciling.Kind
    sa.Column("place", sa.String(512), primary_key=True),  # an object's name, or a file's id
    sa.Column("state", sa.String(16), nullable=False),  # use_cases.reconciling.State
    instant("found_at", nullable=False),
    instant("seen_at", nullable=False, index=True),
)
