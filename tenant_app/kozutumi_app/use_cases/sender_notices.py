"""What the sender is told without asking: that somebody downloaded, or that nobody did and the time is nearly over."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import recipients, transfers
from kozutumi_app.domain import sending
from kozutumi_app.domain.sending import Notify
from kozutumi_app.domain.transfers import TransferState
from kozutumi_app.services import Services
from kozutumi_app.use_cases import jobs

KIND: Final = "unfetched"


def delivered(tx: Connection, transfer_id: str) -> None:
    """Look again when the sender would be warned: called at delivery, and when the expiry of what was delivered changes."""
    row = tx.execute(sa.select(transfers).where(transfers.c.id == transfer_id)).one()
    at = sending.warn_at(row.delivered_at, row.expires_at, row.warn_before)
    if at is not None:
        jobs.enqueue(tx, KIND, transfer_id, at)


def downloaded(tx: Connection, services: Services, recipient_id: str) -> None:
    """The first byte of a download leaves for a recipient. Called in the transaction that notes it; does most only once."""
    query = sa.select(recipients.c.transfer_id, recipients.c.fetched_at, transfers.c.notify).join_from(
        recipients, transfers
    )
    row = tx.execute(query.where(recipients.c.id == recipient_id)).one_or_none()
    if row is None or row.fetched_at is not None:
        return
    is_first = not _anybody_fetched(tx, row.transfer_id)
    now = services.clock.now()
    tx.execute(sa.update(recipients).where(recipients.c.id == recipient_id).values(fetched_at=now))
    if row.notify == Notify.EACH or (row.notify == Notify.FIRST and is_first):
        jobs.enqueue(tx, "mail", f"fetched:{recipient_id}", now)


def warn(services: Services, transfer_id: str) -> None:
    """Worker of job `unfetched`: tell the sender, once, if nobody downloaded anything."""
    with services.database.write() as tx:
        row: Any = tx.execute(sa.select(transfers).where(transfers.c.id == transfer_id)).one_or_none()
        if row is None or row.state != TransferState.DELIVERED or row.warned_at is not None:
            return
        at = sending.warn_at(row.delivered_at, row.expires_at, row.warn_before)
        now = services.clock.now()
        if at is None or now >= row.expires_at or _anybody_fetched(tx, transfer_id):
            return
        if now < at:
            jobs.enqueue(tx, KIND, transfer_id, at)
            return
        tx.execute(sa.update(transfers).where(transfers.c.id == transfer_id).values(warned_at=now))
        jobs.enqueue(tx, "mail", f"unfetched:{transfer_id}", now)


def _anybody_fetched(tx: Connection, transfer_id: str) -> bool:
    fetched = sa.exists().where(recipients.c.transfer_id == transfer_id, recipients.c.fetched_at.is_not(None))
    return tx.execute(sa.select(fetched)).scalar_one()
