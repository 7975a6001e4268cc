"""Gathers what `domain.grants` decides by, from what is stored at this moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import files, recipients, transfers, users
from kozutumi_app.domain import grants
from kozutumi_app.domain.grants import Capacity, Denied, Facts, Reader
from kozutumi_app.services import Services
from kozutumi_app.use_cases import approving, readability


@dataclass(frozen=True, slots=True)
class Readable:
    """`row` is of `files`, with its transfer's `max_downloads`."""

    row: Any


def may_read(tx: Connection, services: Services, reader: Reader, file_id: str) -> Readable | Denied:
    query = sa.select(
        files,
        transfers.c.state.label("transfer_state"),
        transfers.c.expires_at,
        transfers.c.max_downloads,
        transfers.c.request_id,
        transfers.c.sender_id,
    ).join(transfers)
    row = tx.execute(query.where(files.c.id == file_id)).one_or_none()
    facts = None if row is None else _facts(tx, services, reader, row)
    decision = grants.may_read(reader.capacity, facts, services.clock.now())
    return decision if isinstance(decision, Denied) else Readable(row)


def capacity_of(tx: Connection, services: Services, user_id: str, transfer_id: str) -> Capacity | None:
    """As what a member may read a transfer's files; None when as nothing."""
    asked = sa.and_(
        transfers.c.id == transfer_id, transfers.c.sender_id == user_id, transfers.c.request_id.is_not(None)
    )
    if tx.execute(sa.select(sa.exists().where(asked))).scalar_one():
        return Capacity.MEMBER
    return Capacity.APPROVER if approving.may_preview(tx, services, user_id, transfer_id) else None


def _facts(tx: Connection, services: Services, reader: Reader, row: Any) -> Facts:
    entitled, revoked = True, False
    if reader.capacity is Capacity.RECIPIENT:
        mine = sa.and_(recipients.c.id == reader.id, recipients.c.transfer_id == row.transfer_id)
        found = tx.execute(sa.select(recipients.c.revoked_at).where(mine)).one_or_none()
        entitled, revoked = found is not None, found is not None and found.revoked_at is not None
    else:
        entitled = _works(tx, reader.id) and _is_concerned(tx, services, reader, row)
    readable = readability.is_readable(services, row)
    return Facts(row.transfer_state, row.expires_at, entitled, revoked, row.deleted_at, readable)


def _is_concerned(tx: Connection, services: Services, reader: Reader, row: Any) -> bool:
    if reader.capacity is Capacity.MEMBER:
        return row.request_id is not None and row.sender_id == reader.id
    return approving.may_preview(tx, services, reader.id, row.transfer_id)


def _works(tx: Connection, user_id: str) -> bool:
    account = sa.and_(users.c.id == user_id, users.c.disabled.is_(False))
    return tx.execute(sa.select(sa.exists().where(account))).scalar_one()
