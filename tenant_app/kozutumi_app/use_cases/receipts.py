"""What has left, for whom: the sender's view of each recipient (architecture.md §6 rule 3)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import download_sessions, files, recipients, transfers
from kozutumi_app.domain.files import FileState
from kozutumi_app.services import Services

Extent = Literal["none", "part", "all"]


@dataclass(frozen=True, slots=True)
class Receipt:
    """`bytes_sent` of `bytes_total` plaintext left for this recipient, each byte counted once, however often it was fetched.

    `revoked_at`: the grant ended, by removal or recall. `mail_state`: what became of the mail (domain.mail_rules).
    """

    recipient_id: str
    link_id: str
    email: str
    locale: str
    mailed_at: datetime | None
    downloads: int
    extent: Extent
    last_download_at: datetime | None
    first_download_at: datetime | None
    revoked_at: datetime | None
    reminded_at: datetime | None
    mail_state: str | None
    mail_status: str | None
    bytes_sent: int
    bytes_total: int


def of_transfer(tx: Connection, services: Services, transfer_id: str) -> list[Receipt]:
    sizes = {row.id: row.size for row in tx.execute(_sent(transfer_id))}
    query = sa.select(recipients).where(recipients.c.transfer_id == transfer_id).order_by(recipients.c.id)
    return [_receipt(tx, services, row, sizes) for row in tx.execute(query).all()]


def _receipt(tx: Connection, services: Services, row: sa.Row[tuple[object, ...]], sizes: dict[str, int]) -> Receipt:
    opened = tx.execute(sa.select(download_sessions).where(download_sessions.c.recipient_id == row.id)).all()
    spans: dict[str, list[tuple[int, int]]] = {file_id: [] for file_id in sizes}
    complete = {session.file_id for session in opened if session.completed_at is not None}
    for session in opened:
        spans.setdefault(session.file_id, []).extend((start, end) for start, end in json.loads(session.ranges))
    left = {file_id: sizes[file_id] if file_id in complete else _covered(spans[file_id]) for file_id in sizes}
    started = any(session.bytes_sent > 0 for session in opened)
    everything = bool(sizes) and all(
        file_id in complete or (size > 0 and left[file_id] >= size) for file_id, size in sizes.items()
    )
    return Receipt(
        recipient_id=row.id,
        link_id=row.link_id,
        email=services.columns.open("recipients", "email_sealed", row.id, row.email_sealed),
        locale=row.locale,
        mailed_at=row.mailed_at,
        downloads=len(opened),
        extent="all" if everything else "part" if started or complete else "none",
        last_download_at=max((session.created_at for session in opened), default=None),
        first_download_at=row.fetched_at,
        revoked_at=row.revoked_at,
        reminded_at=row.reminded_at,
        mail_state=row.mail_state,
        mail_status=row.mail_status,
        bytes_sent=sum(left.values()),
        bytes_total=sum(sizes.values()),
    )


def _sent(transfer_id: str) -> sa.Select[tuple[str, int]]:
    """What could be read at all: neither refused by the scanner nor taken out of the draft."""
    passed = sa.or_(files.c.state == FileState.CLEAN, files.c.release_sealed.is_not(None))
    kept = sa.or_(files.c.deleted_at.is_(None), files.c.deleted_at >= transfers.c.delivered_at)
    query = sa.select(files.c.id, files.c.size).join_from(files, transfers)
    return query.where(files.c.transfer_id == transfer_id, passed, kept)


def _covered(spans: list[tuple[int, int]]) -> int:
    total, reached = 0, 0
    for start, end in sorted(spans):
        total += max(0, end - max(start, reached))
        reached = max(reached, end)
    return total
