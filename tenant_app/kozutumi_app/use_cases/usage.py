"""How much of the organization's quota is taken: the declared sizes of every file whose content is not gone, and people."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import files, users
from kozutumi_app.domain.accounts import Role


@dataclass(frozen=True, slots=True)
class StorageUsage:
    bytes: int
    files: int


def measure(tx: Connection) -> StorageUsage:
    """Bytes are reserved from the moment an upload is created until its content is erased.

    Parts that are being joined count no more: the file that takes their bytes has taken their room.
    """
    query = sa.select(sa.func.coalesce(sa.func.sum(files.c.size), 0), sa.func.count()).where(
        files.c.deleted_at.is_(None), files.c.joined_into.is_(None)
    )
    size, count = tx.execute(query).one()
    return StorageUsage(int(size), int(count))


def people(tx: Connection) -> int:
    """Accounts of people that are not disabled, invited ones too; a service account is nobody."""
    counted = sa.and_(users.c.disabled.is_(False), users.c.role != Role.SERVICE.value)
    return tx.execute(sa.select(sa.func.count()).select_from(users).where(counted)).scalar_one()
