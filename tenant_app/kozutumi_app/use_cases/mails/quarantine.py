"""Mail to an administrator about refused files. `quarantine:<user id>`; it names neither file nor sender."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from kozutumi_app.adapters.database.schema import users
from kozutumi_app.domain.accounts import Role
from kozutumi_app.services import Services
from kozutumi_app.use_cases import quarantine
from kozutumi_app.use_cases.mails.writing import Letter, Writer, link


def _quarantine(services: Services, user_id: str) -> Letter | None:
    with services.database.read() as tx:
        user = tx.execute(sa.select(users).where(users.c.id == user_id)).one_or_none()
        waiting = quarantine.waiting(tx)
    if user is None or user.disabled or user.role != Role.ADMINISTRATOR or not waiting:
        return None
    to = services.columns.open("users", "email_sealed", user.id, user.email_sealed)
    return Letter(to, user.locale, user_id, {"count": str(waiting), "link": link(services, "quarantine")})


WRITERS: Final[dict[str, Writer]] = {"quarantine": _quarantine}
