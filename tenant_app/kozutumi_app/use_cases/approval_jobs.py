"""Asking for another look at what waits for approval."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import approval_requests
from kozutumi_app.domain.approvals import RequestState
from kozutumi_app.services import Services
from kozutumi_app.use_cases import jobs

KIND: Final = "approval"


def ask_again(tx: Connection, services: Services) -> None:
    """Who may decide has changed: whoever may do so now is told, and administrators if nobody is left."""
    waiting = sa.select(approval_requests.c.transfer_id).where(approval_requests.c.state == RequestState.WAITING)
    for transfer_id in tx.execute(waiting).scalars().all():
        jobs.enqueue(tx, KIND, transfer_id, services.clock.now())
