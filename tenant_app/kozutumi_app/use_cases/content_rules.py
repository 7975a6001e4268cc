"""What a file turned out to be, judged by its sender's policy. Asked with the verdict, on the bytes that were scanned."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import transfers
from kozutumi_app.domain import media_types
from kozutumi_app.services import Services
from kozutumi_app.use_cases import policies


def refusal(tx: Connection, services: Services, file: Any, head: bytes) -> str | None:
    """Return the media type for which the policy refuses this row of `files`, or None. `head`: its first 512 bytes."""
    query = sa.select(transfers.c.sender_id).where(transfers.c.id == file.transfer_id)
    policy = policies.effective(tx, services, tx.execute(query).scalar_one())
    name = services.columns.open("files", "name_sealed", file.id, file.name_sealed)
    for kind in media_types.kinds(name, head):
        if not media_types.passes(kind, policy.allowed_types, policy.blocked_types):
            return kind.media_type
    return None
