"""A transfer's life once it is drafted (drafts.py): closed, delivered once every file is clean, recalled, cancelled, expired (architecture.md §6).

Everything about a transfer is NotFound to a member who did not send it, administrators included.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
import structlog
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import files, recipients, transfers
from kozutumi_app.crypto import wrapping
from kozutumi_app.domain import sending
from kozutumi_app.domain import transfers as rules
from kozutumi_app.domain.transfers import TransferState
from kozutumi_app.errors import NotDeliverable, StorageUnavailable, TransferClosed
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit, delivering, drafts, erasure, jobs, readability, receipts
from kozutumi_app.use_cases.own_transfers import own, record, refusals, sent_by

log = structlog.get_logger()


def send(services: Services, user_id: str, transfer_id: str) -> str:
    """Close the list of files; returns the new state. Delivery follows by itself once every file is clean."""
    with refusals(services, "send", user_id, transfer_id), services.database.write() as tx:
        row = sent_by(tx, services, user_id, transfer_id)
        if row.state in rules.SENT:
            return str(row.state)  # asked twice: the first answer may have been lost
        if row.state != TransferState.DRAFT:
            raise TransferClosed
        states = readability.file_states(tx, services, transfer_id)
        if not rules.may_send(row.state, states, releases=readability.may_release(services)):
            raise NotDeliverable
        drafts.require_sendable(tx, services, row)
        given_up = max(row.expires_at, sending.given_up_at(services.clock.now(), row.lifetime, row.hold_for))
        delivering.set_state(tx, transfer_id, TransferState.AWAITING_FILES, expires_at=given_up)
        record(tx, services, "transfer.sent", user_id, transfer_id)
        delivering.advance(tx, services, transfer_id)
        return str(own(tx, services, user_id, transfer_id).state)


def recall(services: Services, user_id: str, transfer_id: str) -> list[receipts.Receipt]:
    """Take a delivered transfer back; returns for each recipient what had left before."""
    with refusals(services, "recall", user_id, transfer_id), services.database.write() as tx:
        row = own(tx, services, user_id, transfer_id)
        if not rules.may_recall(row.state):
            raise TransferClosed
        now = services.clock.now()
        delivering.set_state(tx, transfer_id, TransferState.RECALLED, recalled_at=now)
        granted = sa.and_(recipients.c.transfer_id == transfer_id, recipients.c.revoked_at.is_(None))
        tx.execute(sa.update(recipients).where(granted).values(revoked_at=now))
        report = receipts.of_transfer(tx, services, transfer_id)
        details = {each.email: f"{each.extent} ({each.bytes_sent} of {each.bytes_total} bytes)" for each in report}
        record(tx, services, "transfer.recalled", user_id, transfer_id, details)
        file_ids = _take_away(tx, services, transfer_id)
    _destroy_keys(services, file_ids)
    return report


def cancel(services: Services, user_id: str, transfer_id: str) -> None:
    """Give up a transfer before its delivery, in whatever state: files still arriving, being approved, held."""
    with refusals(services, "cancel", user_id, transfer_id), services.database.write() as tx:
        row = own(tx, services, user_id, transfer_id)
        if not rules.may_cancel(row.state):
            raise TransferClosed
        delivering.set_state(tx, transfer_id, TransferState.DELETED)
        record(tx, services, "transfer.cancelled", user_id, transfer_id)
        file_ids = _take_away(tx, services, transfer_id)
    _destroy_keys(services, file_ids)


def expire(services: Services, transfer_id: str) -> None:
    """Worker of job `expire`: end the transfer when its time has come, or come back then."""
    with services.database.write() as tx:
        row = tx.execute(sa.select(transfers).where(transfers.c.id == transfer_id)).one_or_none()
        if row is None or row.state in rules.OVER:
            return
        if services.clock.now() < row.expires_at:
            jobs.enqueue(tx, "expire", transfer_id, row.expires_at)
            return
        delivered = row.state == TransferState.DELIVERED
        delivering.set_state(tx, transfer_id, TransferState.EXPIRED if delivered else TransferState.DELETED)
        record(tx, services, "transfer.expired", audit.SYSTEM, transfer_id)
        file_ids = _take_away(tx, services, transfer_id)
    _destroy_keys(services, file_ids)


def _take_away(tx: Connection, services: Services, transfer_id: str) -> list[str]:
    query = sa.select(files.c.id).where(files.c.transfer_id == transfer_id, files.c.deleted_at.is_(None))
    file_ids = list(tx.execute(query).scalars())
    for file_id in file_ids:
        erasure.mark(tx, services, file_id)
    return file_ids


def _destroy_keys(services: Services, file_ids: Sequence[str]) -> None:
    """At once, not when the queue gets to it; what fails here the job `erase` repeats. Never under legal hold."""
    if services.settings.legal_hold:
        return
    try:
        for file_id in file_ids:
            services.blobs.delete(wrapping.object_key(file_id))
    except StorageUnavailable:
        log.warning("transfers.key_destruction_postponed", files=len(file_ids))
