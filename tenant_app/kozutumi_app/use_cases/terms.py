"""What a sender may still change of a transfer that was sent: how long it lives, and the password it is opened with."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import recipient_sessions, recipients, transfers
from kozutumi_app.domain import authentication, sending
from kozutumi_app.domain import transfers as rules
from kozutumi_app.domain.authentication import Authentication
from kozutumi_app.domain.transfers import TransferState
from kozutumi_app.errors import InvalidInput, TransferClosed
from kozutumi_app.services import Services
from kozutumi_app.use_cases import (
    addressing,
    approval_calls,
    audit,
    drafts,
    jobs,
    policies,
    sender_notices,
    sending_rules,
)
from kozutumi_app.use_cases.own_transfers import record, refusals, sent_by


def change_expiry(services: Services, user_id: str, transfer_id: str, expires_in: int) -> datetime:
    """Extend or shorten: `expires_in` is seconds from delivery, as at creation, within the sender's ceiling.

    Returns when it ends now. What was delivered must have at least five minutes left: to end it at once is a recall.
    """
    with refusals(services, "change_expiry", user_id, transfer_id), services.database.write() as tx:
        row = _open(tx, services, user_id, transfer_id)
        policy = policies.effective(tx, services, user_id)
        sending_rules.require_terms(policy, lifetime=expires_in, downloads=1)
        if expires_in > row.lifetime:
            approval_calls.require_free(tx, services, row, sending_rules.addresses_of(tx, services, transfer_id))
        ends = _ends(services, row, expires_in)
        values: dict[str, Any] = {"lifetime": expires_in, "expires_at": ends, "warned_at": None}
        tx.execute(sa.update(transfers).where(transfers.c.id == transfer_id).values(values))
        jobs.enqueue(tx, "expire", transfer_id, ends)
        if row.state == TransferState.DELIVERED:
            sender_notices.delivered(tx, transfer_id)
        addressing.reconsider(tx, services, row)
        details = {"before": audit.format_time(row.expires_at), "after": audit.format_time(ends)}
        record(tx, services, "transfer.expiry_changed", user_id, transfer_id, details)
        return ends


def change_password(services: Services, user_id: str, transfer_id: str, password: str | None) -> str | None:
    """Set another password, or draw one and return it. Who opened the transfer before must show the new one.

    A transfer with a weaker proof is opened by password from now on; one for accounts has none (InvalidInput).
    """
    with refusals(services, "change_password", user_id, transfer_id):
        with services.database.read() as tx:
            row = _open(tx, services, user_id, transfer_id)
            subject = services.columns.open("transfers", "subject_sealed", row.id, row.subject_sealed)
            personal = [*sending_rules.addresses_of(tx, services, transfer_id), subject]
        if not authentication.is_enough(Authentication.PASSWORD, Authentication(row.authentication)):
            raise InvalidInput("Only a transfer that is opened by a password has one.")
        hashed, drawn = drafts.chosen_password(services, password, personal)
        with services.database.write() as tx:
            _open(tx, services, user_id, transfer_id)
            values = {"authentication": Authentication.PASSWORD.value, "password_hash": hashed}
            tx.execute(sa.update(transfers).where(transfers.c.id == transfer_id).values(values))
            everyone = sa.select(recipients.c.id).where(recipients.c.transfer_id == transfer_id)
            tx.execute(sa.delete(recipient_sessions).where(recipient_sessions.c.recipient_id.in_(everyone)))
            again = sa.update(recipients).where(recipients.c.transfer_id == transfer_id)
            tx.execute(again.values(password_failures=0, password_locked_until=None))
            record(tx, services, "transfer.password_changed", user_id, transfer_id)
    return drawn


def _open(tx: Connection, services: Services, user_id: str, transfer_id: str) -> Any:
    row = sent_by(tx, services, user_id, transfer_id)
    if row.state in rules.OVER or (row.state == TransferState.DELIVERED and services.clock.now() >= row.expires_at):
        raise TransferClosed
    return row


def _ends(services: Services, row: Any, expires_in: int) -> datetime:
    """Before delivery only the lifetime changes, and when the transfer would be given up."""
    soonest = services.clock.now() + timedelta(seconds=sending.SHORTEST_LIFE)
    if row.state == TransferState.DELIVERED:
        ends: datetime = row.delivered_at + timedelta(seconds=expires_in)
        if ends < soonest:
            raise InvalidInput("At least five minutes must be left. To end it at once, take the files back.")
        return ends
    given_up = sending.given_up_at(row.created_at, expires_in, row.hold_for)
    return max(given_up, soonest, row.expires_at if row.state == TransferState.HELD else soonest)
