"""An outside recipient: what the link shows, and after a proof (proving.py) the files (architecture.md §6 rules 2 and 3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import recipients, transfers, users
from kozutumi_app.domain import authentication
from kozutumi_app.domain.authentication import Authentication
from kozutumi_app.domain.rate_limits import Limit
from kozutumi_app.domain.transfers import TransferState
from kozutumi_app.errors import NotFound, RateLimited, TransferOver
from kozutumi_app.services import Services
from kozutumi_app.use_cases import transfer_views

_PER_CLIENT: Final = Limit(burst=60, seconds=0.5)
_OVER: Final = frozenset({TransferState.EXPIRED, TransferState.RECALLED})


@dataclass(frozen=True, slots=True)
class ProvenRecipient:
    recipient_id: str
    transfer_id: str


@dataclass(frozen=True, slots=True)
class Unproven:
    """What the link alone shows: nothing of the transfer but until when, and by which proof, it can be opened."""

    locale: str
    expires_at: datetime
    authentication: str


@dataclass(frozen=True, slots=True)
class Delivery:
    sender_name: str
    sender_email: str
    recipient_email: str
    subject: str
    message: str
    expires_at: datetime
    max_downloads: int
    files: Sequence[transfer_views.FileView]


def look_up(services: Services, link_id: str, *, client: str) -> Unproven:
    """NotFound before delivery and for a link that never was; TransferOver afterwards."""
    limit(services, client)
    with services.database.read() as tx:
        row = delivered(tx, services, link_id)
    chosen, floor = Authentication(row.authentication), Authentication(services.settings.recipient_authentication)
    return Unproven(row.locale, row.expires_at, authentication.required(chosen, floor).value)


def delivery(services: Services, recipient: ProvenRecipient) -> Delivery:
    """What a proven recipient sees."""
    seen = sa.select(
        transfers,
        recipients.c.email_sealed.label("to_sealed"),
        users.c.email_sealed.label("from_sealed"),
        users.c.name_sealed,
    )
    joined = transfers.join(recipients, recipients.c.transfer_id == transfers.c.id).join(
        users,
        users.c.id == transfers.c.sender_id,
    )
    with services.database.read() as tx:
        row = tx.execute(seen.select_from(joined).where(recipients.c.id == recipient.recipient_id)).one()
        listed = transfer_views.files_of(tx, services, row.id)
    opened = services.columns.open
    return Delivery(
        sender_name=opened("users", "name_sealed", row.sender_id, row.name_sealed),
        sender_email=opened("users", "email_sealed", row.sender_id, row.from_sealed),
        recipient_email=opened("recipients", "email_sealed", recipient.recipient_id, row.to_sealed),
        subject=opened("transfers", "subject_sealed", row.id, row.subject_sealed),
        message=opened("transfers", "message_sealed", row.id, row.message_sealed),
        expires_at=row.expires_at,
        max_downloads=row.max_downloads,
        files=[file for file in listed if file.deleted_at is None],
    )


def delivered(tx: Connection, services: Services, link_id: str) -> Any:
    """Row of a recipient and of what is to be known of the transfer; NotFound or TransferOver as `look_up` says."""
    of_transfer = [transfers.c[name] for name in ("state", "expires_at", "authentication", "password_hash")]
    query = sa.select(recipients, *of_transfer).join_from(recipients, transfers)
    row = tx.execute(query.where(recipients.c.link_id == link_id)).one_or_none()
    if row is None or (row.state != TransferState.DELIVERED and row.state not in _OVER):
        services.metrics.refusals.labels(NotFound.code).inc()
        raise NotFound
    if row.state in _OVER or row.revoked_at is not None or services.clock.now() >= row.expires_at:
        raise TransferOver
    return row


def limit(services: Services, client: str) -> None:
    wait = services.limits.retry_after("recipient", client, _PER_CLIENT, services.clock.now())
    if wait:
        services.metrics.refusals.labels(RateLimited.code).inc()
        raise RateLimited(retry_after=wait)
