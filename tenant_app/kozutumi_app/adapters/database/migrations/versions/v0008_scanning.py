"""How long a file waits for its verdict, and an administrator's release of one that cannot be scanned."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("files", sa.Column("scan_since", sa.BigInteger(), nullable=True))
    op.add_column("files", sa.Column("scan_attempts", sa.BigInteger(), nullable=True))
    op.add_column("files", sa.Column("release_sealed", sa.LargeBinary(), nullable=True))
