"""What a guest may still upload, asked before an upload begins (and again in its transaction)."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import files, receive_requests, transfers
from kozutumi_app.domain import receive_requests as rules
from kozutumi_app.domain.files import FileState
from kozutumi_app.domain.receive_requests import Standing, Used
from kozutumi_app.services import Services


def require_within(
    tx: Connection, services: Services, transfer_id: str, name: str, size: int, *, is_part: bool = False
) -> None:
    """RequestOver, RequestLimit or TypeRefused for a guest's answer; nothing for any other transfer."""
    joined = sa.select(receive_requests).join(transfers, transfers.c.request_id == receive_requests.c.id)
    row = tx.execute(joined.where(transfers.c.id == transfer_id)).one_or_none()
    if row is None:
        return
    rules.require_open(row.closed_at, row.expires_at, services.clock.now(), begun=True)
    rules.require_file(standing(row), used(tx, row.id), name, size, is_part=is_part)


def used(tx: Connection, request_id: str) -> Used:
    """Of all answers to the request. A part waiting to be joined counts by its bytes, the file it goes into does not yet."""
    live = sa.and_(transfers.c.request_id == request_id, files.c.deleted_at.is_(None))
    listed = sa.func.sum(sa.case((files.c.state != FileState.PART, 1), else_=0))
    query = sa.select(sa.func.coalesce(listed, 0), sa.func.coalesce(sa.func.sum(files.c.size), 0))
    row = tx.execute(query.select_from(files.join(transfers)).where(live)).one()
    return Used(int(row[0]), int(row[1]))


def standing(row: Any) -> Standing:
    return Standing(row.closed_at, row.expires_at, row.max_files, row.max_bytes, types_of(row))


def types_of(row: Any) -> tuple[str, ...]:
    return tuple(each for each in row.types.split(",") if each)
