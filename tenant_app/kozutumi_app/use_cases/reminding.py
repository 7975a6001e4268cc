"""Mailing recipients again because the sender asks for it: the link anew, or a reminder. Limited for each recipient."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import recipients
from kozutumi_app.domain import sending
from kozutumi_app.domain.sending import Reminders
from kozutumi_app.domain.transfers import TransferState
from kozutumi_app.errors import RateLimited, TransferClosed
from kozutumi_app.services import Services
from kozutumi_app.use_cases import addressing, jobs, receipts
from kozutumi_app.use_cases.own_transfers import record, refusals, sent_by


def resend(services: Services, user_id: str, transfer_id: str, recipient_id: str) -> None:
    """Mail one recipient the link again. RateLimited within 15 minutes of the last time, and after five a day."""
    with refusals(services, "resend", user_id, transfer_id), services.database.write() as tx:
        _delivered(tx, services, user_id, transfer_id)
        row = addressing.live_recipient(tx, transfer_id, recipient_id)
        now = services.clock.now()
        wait = sending.wait_seconds(_sent(row), now)
        if wait:
            raise RateLimited(retry_after=wait)
        _mail(tx, row, "redelivery", now)
        email = services.columns.open("recipients", "email_sealed", row.id, row.email_sealed)
        record(tx, services, "transfer.resent", user_id, transfer_id, {"email": email})


def remind(services: Services, user_id: str, transfer_id: str) -> Sequence[str]:
    """Remind everyone who does not have everything yet; returns the ids of whom. RateLimited when all were just mailed."""
    with refusals(services, "remind", user_id, transfer_id), services.database.write() as tx:
        _delivered(tx, services, user_id, transfer_id)
        now = services.clock.now()
        waiting = _waiting(tx, services, transfer_id)
        waits = {row.id: sending.wait_seconds(_sent(row), now) for row in waiting}
        if waits and all(waits.values()):
            raise RateLimited(retry_after=min(waits.values()))
        chosen = [row for row in waiting if not waits[row.id]]
        for row in chosen:
            _mail(tx, row, "reminder", now)
        opened = services.columns.open
        emails = [opened("recipients", "email_sealed", row.id, row.email_sealed) for row in chosen]
        record(tx, services, "transfer.reminded", user_id, transfer_id, {"recipients": ", ".join(emails)})
        return [row.id for row in chosen]


def _delivered(tx: Connection, services: Services, user_id: str, transfer_id: str) -> None:
    row = sent_by(tx, services, user_id, transfer_id)
    if row.state != TransferState.DELIVERED or services.clock.now() >= row.expires_at:
        raise TransferClosed


def _waiting(tx: Connection, services: Services, transfer_id: str) -> Sequence[Any]:
    done = {
        receipt.recipient_id for receipt in receipts.of_transfer(tx, services, transfer_id) if receipt.extent == "all"
    }
    live = sa.and_(recipients.c.transfer_id == transfer_id, recipients.c.revoked_at.is_(None))
    rows = tx.execute(sa.select(recipients).where(live).order_by(recipients.c.id)).all()
    return [row for row in rows if row.id not in done]


def _mail(tx: Connection, row: Any, kind: str, now: datetime) -> None:
    after = sending.after_reminding(_sent(row), now)
    values = {"reminded_at": after.reminded_at, "reminder_window_at": after.window_at, "reminders": after.count}
    tx.execute(sa.update(recipients).where(recipients.c.id == row.id).values(values))
    jobs.enqueue(tx, "mail", f"{kind}:{row.id}", now)


def _sent(row: Any) -> Reminders:
    return Reminders(row.reminded_at, row.reminder_window_at, row.reminders)
