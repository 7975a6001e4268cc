"""How much the organization may still send in this calendar month (UTC): spec.quota.monthlyTransfer.

A file counts from the moment its upload is created, by its declared size; what is given up before delivery counts no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import files, transfers
from kozutumi_app.errors import TransferAllowanceUsed
from kozutumi_app.services import Services


@dataclass(frozen=True, slots=True)
class Allowance:
    """Bytes; `limit` None: none is set. `begins_anew` is the first moment of the next month."""

    limit: int | None
    used: int
    begins_anew: datetime

    @property
    def left(self) -> int | None:
        return None if self.limit is None else max(0, self.limit - self.used)


def measure(tx: Connection, services: Services) -> Allowance:
    start, following = month_of(services.clock.now())
    counts = sa.or_(files.c.deleted_at.is_(None), transfers.c.delivered_at.is_not(None))
    query = (
        sa.select(sa.func.coalesce(sa.func.sum(files.c.size), 0))
        .join_from(files, transfers)
        .where(files.c.created_at >= start, files.c.created_at < following, files.c.joined_into.is_(None), counts)
    )
    return Allowance(services.settings.monthly_transfer or None, int(tx.execute(query).scalar_one()), following)


def require_left(tx: Connection, services: Services, size: int) -> None:
    """TransferAllowanceUsed before an upload of `size` bytes that would go beyond the month's limit."""
    if not services.settings.monthly_transfer:
        return
    left = measure(tx, services).left
    if left is not None and size > left:
        raise TransferAllowanceUsed(f"{left} bytes are left in this month")


def month_of(moment: datetime) -> tuple[datetime, datetime]:
    start = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
    return start, following
