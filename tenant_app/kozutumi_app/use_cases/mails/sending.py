"""Mail about one recipient of a transfer that its sender asks for, or gets.

`redelivery:<recipient id>`, `reminder:<recipient id>`, `fetched:<recipient id>`.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from kozutumi_app.adapters.database.schema import recipients, transfers, users
from kozutumi_app.domain.transfers import TransferState
from kozutumi_app.services import Services
from kozutumi_app.use_cases.mails.writing import Letter, Writer, link, local_time


def _again(services: Services, recipient_id: str) -> Letter | None:
    row = _recipient(services, recipient_id)
    if row is None or row.state != TransferState.DELIVERED or row.revoked_at is not None:
        return None
    values = {
        "link": link(services, f"r/{row.link_id}"),
        "sender": services.columns.open("users", "name_sealed", row.sender_id, row.name_sealed),
        "expires": local_time(row.expires_at, row.locale),
    }
    to = services.columns.open("recipients", "email_sealed", row.id, row.email_sealed)
    return Letter(to, row.locale, row.transfer_id, values, recipient_id=row.id)


def _fetched(services: Services, recipient_id: str) -> Letter | None:
    row = _recipient(services, recipient_id)
    if row is None or row.disabled or row.fetched_at is None:
        return None
    values = {
        "recipient": services.columns.open("recipients", "email_sealed", row.id, row.email_sealed),
        "time": local_time(row.fetched_at, row.sender_locale),
        "link": link(services, f"transfers/{row.transfer_id}"),
    }
    to = services.columns.open("users", "email_sealed", row.sender_id, row.sender_sealed)
    return Letter(to, row.sender_locale, row.transfer_id, values)


def _recipient(services: Services, recipient_id: str) -> Any:
    query = sa.select(
        recipients,
        transfers.c.state,
        transfers.c.expires_at,
        transfers.c.sender_id,
        users.c.name_sealed,
        users.c.email_sealed.label("sender_sealed"),
        users.c.locale.label("sender_locale"),
        users.c.disabled,
    )
    joined = recipients.join(transfers).join(users, users.c.id == transfers.c.sender_id)
    with services.database.read() as tx:
        return tx.execute(query.select_from(joined).where(recipients.c.id == recipient_id)).one_or_none()


WRITERS: Final[dict[str, Writer]] = {
    "redelivery": _again,
    "reminder": _again,
    "fetched": _fetched,
}
