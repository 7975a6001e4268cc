"""Mail to people who have, or are to have, an account. `invitation:<user id>`."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from kozutumi_app.adapters.database.schema import users
from kozutumi_app.services import Services
from kozutumi_app.use_cases import invitations
from kozutumi_app.use_cases.mails.writing import Letter, Writer, link


def _invitation(services: Services, user_id: str) -> Letter | None:
    with services.database.write() as tx:
        user = tx.execute(sa.select(users).where(users.c.id == user_id)).one_or_none()
        if user is None or user.accepted_at is not None or user.disabled:
            return None
        token = invitations.issue(tx, services, user_id)
    to = services.columns.open("users", "email_sealed", user.id, user.email_sealed)
    return Letter(to, user.locale, user_id, {"link": link(services, f"invitations/{token}")})


WRITERS: Final[dict[str, Writer]] = {"invitation": _invitation}
