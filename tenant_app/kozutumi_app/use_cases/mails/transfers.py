"""Mail about a transfer.

`code:<recipient id>`, `delivery:<recipient id>`, `undelivered:<recipient id>`. To the sender: `problem:<transfer id>`,
`interrupted:<transfer id>`, `unfetched:<transfer id>`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import sqlalchemy as sa

from kozutumi_app.adapters.database.schema import recipients, transfers, users
from kozutumi_app.domain.mail_rules import UNDELIVERED
from kozutumi_app.domain.transfers import BEFORE_DELIVERY, TransferState
from kozutumi_app.services import Services
from kozutumi_app.use_cases import proving
from kozutumi_app.use_cases.mails.writing import Letter, Writer, link, local_time


def _code(services: Services, recipient_id: str) -> Letter | None:
    with services.database.write() as tx:
        code = proving.store_code(tx, services, recipient_id)
        if code is None:
            return None
        row = tx.execute(sa.select(recipients).where(recipients.c.id == recipient_id)).one()
    to = services.columns.open("recipients", "email_sealed", row.id, row.email_sealed)
    return Letter(to, row.locale, row.transfer_id, {"code": code})


def _delivery(services: Services, recipient_id: str) -> Letter | None:
    of_transfer = [transfers.c[name] for name in ("state", "expires_at", "sender_id", "authentication")]
    query = sa.select(recipients, *of_transfer, users.c.name_sealed)
    joined = recipients.join(transfers).join(users, users.c.id == transfers.c.sender_id)
    with services.database.read() as tx:
        row = tx.execute(query.select_from(joined).where(recipients.c.id == recipient_id)).one_or_none()
    if row is None or row.mailed_at is not None or row.state != TransferState.DELIVERED or row.revoked_at is not None:
        return None
    to = services.columns.open("recipients", "email_sealed", row.id, row.email_sealed)
    values = {
        "link": link(services, f"r/{row.link_id}"),
        "sender": services.columns.open("users", "name_sealed", row.sender_id, row.name_sealed),
        "expires": local_time(row.expires_at, row.locale),
        "proof": proving.required(services, row).value,
    }
    return Letter(to, row.locale, row.transfer_id, values, recipient_id=row.id)


def _to_sender(states: Collection[TransferState]) -> Writer:
    """Tells the sender about a transfer while it is in one of `states`; it may have gone on since the mail was asked for."""

    def write(services: Services, transfer_id: str) -> Letter | None:
        query = sa.select(users, transfers.c.state, transfers.c.expires_at).join_from(transfers, users)
        with services.database.read() as tx:
            row = tx.execute(query.where(transfers.c.id == transfer_id)).one_or_none()
        if row is None or row.state not in states or row.disabled:
            return None
        to = services.columns.open("users", "email_sealed", row.id, row.email_sealed)
        values = {
            "expires": local_time(row.expires_at, row.locale),
            "link": link(services, f"transfers/{transfer_id}"),
        }
        return Letter(to, row.locale, transfer_id, values)

    return write


def _undelivered(services: Services, recipient_id: str) -> Letter | None:
    """The sender learns that a recipient was not reached; the address is theirs, the mail goes to nobody else."""
    query = sa.select(recipients, transfers.c.sender_id, users.c.email_sealed.label("sender_sealed"), users.c.disabled)
    own_locale = users.c.locale.label("sender_locale")
    joined = recipients.join(transfers).join(users, users.c.id == transfers.c.sender_id)
    with services.database.read() as tx:
        row = tx.execute(
            query.add_columns(own_locale).select_from(joined).where(recipients.c.id == recipient_id)
        ).one_or_none()
    if row is None or row.disabled or row.revoked_at is not None or row.mail_state not in UNDELIVERED:
        return None
    to = services.columns.open("users", "email_sealed", row.sender_id, row.sender_sealed)
    values = {
        "recipient": services.columns.open("recipients", "email_sealed", row.id, row.email_sealed),
        "status": row.mail_status or "",
        "link": link(services, f"transfers/{row.transfer_id}"),
    }
    return Letter(to, row.sender_locale, row.transfer_id, values)


WRITERS: Final[dict[str, Writer]] = {
    "code": _code,
    "delivery": _delivery,
    "interrupted": _to_sender({TransferState.DRAFT}),
    "problem": _to_sender(BEFORE_DELIVERY),
    "undelivered": _undelivered,
    "unfetched": _to_sender({TransferState.DELIVERED}),
}
