"""A sent transfer that cannot go on as it is becomes its sender's draft again: to change and send anew, or to cancel, in time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import transfers
from kozutumi_app.domain.transfers import TransferState
from kozutumi_app.use_cases import jobs


def give_back(tx: Connection, transfer: Any, mail: str, now: datetime) -> None:
    """Tell the sender by `mail`; what nobody sends anew within the transfer's own lifetime is given up."""
    given_up = now + timedelta(seconds=transfer.lifetime)
    draft = {"state": TransferState.DRAFT.value, "expires_at": given_up}
    tx.execute(sa.update(transfers).where(transfers.c.id == transfer.id).values(draft))
    jobs.enqueue(tx, "expire", transfer.id, given_up)
    jobs.enqueue(tx, "mail", mail, now)
