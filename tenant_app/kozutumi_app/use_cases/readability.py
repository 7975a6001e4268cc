"""Who may read a stored file is decided by `domain.files.is_readable`; here is what it is decided by.

Verdict and release are sealed with the file's id: what the plain columns beside them say is not believed.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import files
from kozutumi_app.domain import files as rules
from kozutumi_app.domain.files import BoundVerdict, FileState, Release
from kozutumi_app.services import Services

RELEASED: Final = "Released"  # what a walk calls an Unscannable file that was released; never stored
ADMINISTRATOR_RELEASE: Final = "AdministratorRelease"


def is_readable(services: Services, row: Any) -> bool:
    """Whether this row of `files` may be given to those who have a grant."""
    verdict, release = bound_verdict(services, row), bound_release(services, row)
    return rules.is_readable(row.state, row.manifest_id, verdict, release, may_release=may_release(services))


def is_released(services: Services, row: Any) -> bool:
    """Whether it is readable although no scanner has looked into it."""
    return row.state == FileState.UNSCANNABLE and is_readable(services, row)


def may_release(services: Services) -> bool:
    return services.settings.unscannable == ADMINISTRATOR_RELEASE


def file_states(tx: Connection, services: Services, transfer_id: str) -> list[str]:
    """States of a transfer's files, with `Released` for what an administrator let through."""
    listed = files.c.state != FileState.PART
    live = sa.and_(files.c.transfer_id == transfer_id, files.c.deleted_at.is_(None), listed)
    rows = tx.execute(sa.select(files).where(live)).all()
    return [RELEASED if is_released(services, row) else row.state for row in rows]


def bound_verdict(services: Services, row: Any) -> BoundVerdict | None:
    if row.verdict_sealed is None:
        return None
    document = json.loads(services.columns.open("files", "verdict_sealed", row.id, row.verdict_sealed))
    published = document.get("signature_published")
    return BoundVerdict(
        document["verdict"],
        document["manifest_id"],
        reason=document.get("reason", ""),
        signature=document.get("signature", ""),
        signature_version=document.get("signature_version", ""),
        signature_published=datetime.fromisoformat(published) if published else None,
    )


def bound_release(services: Services, row: Any) -> Release | None:
    if row.release_sealed is None:
        return None
    return Release(**json.loads(services.columns.open("files", "release_sealed", row.id, row.release_sealed)))
