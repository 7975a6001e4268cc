"""Telling the administrators that files were refused: one mail for all that came within a few minutes."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import users
from kozutumi_app.domain.accounts import Role
from kozutumi_app.services import Services
from kozutumi_app.use_cases import jobs

_GATHERED: Final = timedelta(minutes=5)


def announce(tx: Connection, services: Services) -> None:
    administrators = sa.and_(
        users.c.role == Role.ADMINISTRATOR, users.c.disabled.is_(False), users.c.accepted_at.is_not(None)
    )
    for user_id in tx.execute(sa.select(users.c.id).where(administrators)).scalars().all():
        subject = f"quarantine:{user_id}"
        if not jobs.is_waiting(tx, "mail", subject):
            jobs.enqueue(tx, "mail", subject, services.clock.now() + _GATHERED)
