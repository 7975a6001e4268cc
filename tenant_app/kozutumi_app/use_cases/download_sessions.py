"""Rows of open downloads: reserved by a POST, charged before bytes leave, noted once they have left (architecture.md §6 rule 2).

One row for each file and opening. Several files opened together have one more row, which bounds them as a whole.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection, Table

from kozutumi_app.adapters.database.schema import archive_sessions, download_sessions, member_downloads, recipients
from kozutumi_app.domain.files import Range, is_complete, merged
from kozutumi_app.domain.grants import Capacity, Reader
from kozutumi_app.errors import DownloadsExhausted, NotFound, RateLimited
from kozutumi_app.services import Services

LIFETIME: Final = timedelta(hours=12)
_CAP_FACTOR: Final = 3  # whole copies that one session may send, retries included
_CAP_EXTRA: Final = 2**20


@dataclass(frozen=True, slots=True)
class Session:
    """One file's part of an open download. `archive_hash` names the archive it belongs to."""

    id_hash: bytes
    reader: Reader
    file_id: str
    size: int
    archive_hash: bytes | None = None


def token_hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def byte_cap(size: int) -> int:
    """Bytes that one session may send, of `size` bytes of content."""
    return _CAP_FACTOR * size + _CAP_EXTRA


def reserve(tx: Connection, services: Services, session: Session, max_downloads: int) -> None:
    """Take one of the recipient's downloads of this file; DownloadsExhausted when none is left."""
    reader, now = session.reader, services.clock.now()
    if reader.capacity is Capacity.RECIPIENT and _counted(tx, services, session) >= max_downloads:
        raise DownloadsExhausted
    owner = _owner(reader)
    row = {
        "id_hash": session.id_hash,
        owner.name: reader.id,
        "file_id": session.file_id,
        "archive_hash": session.archive_hash,
        "created_at": now,
        "expires_at": now + LIFETIME,
        "bytes_sent": 0,
        "byte_cap": byte_cap(session.size),
        "ranges": "[]",
    }
    if reader.capacity is not Capacity.RECIPIENT:
        row["capacity"] = reader.capacity.value
    tx.execute(sa.insert(_table(reader)).values(row))


def reserve_archive(
    tx: Connection, services: Services, id_hash: bytes, reader: Reader, transfer_id: str, size: int
) -> None:
    """The row that bounds an archive of `size` bytes; its files are reserved one by one."""
    now = services.clock.now()
    tx.execute(
        sa.insert(archive_sessions).values(
            id_hash=id_hash,
            transfer_id=transfer_id,
            capacity=reader.capacity.value,
            reader_id=reader.id,
            created_at=now,
            expires_at=now + LIFETIME,
            bytes_sent=0,
            byte_cap=byte_cap(size),
        )
    )


def find(tx: Connection, services: Services, token: str, file_id: str) -> tuple[Reader, Any] | None:
    """Who opened this file alone, and the row; None without a session that lives."""
    for table in (download_sessions, member_downloads):
        query = sa.select(table).where(
            table.c.id_hash == token_hash(token),
            table.c.file_id == file_id,
            table.c.archive_hash.is_(None),
            table.c.expires_at > services.clock.now(),
        )
        row = tx.execute(query).one_or_none()
        if row is not None:
            return _reader(row), row
    return None


def find_archive(tx: Connection, services: Services, token: str, transfer_id: str) -> tuple[Reader, Any] | None:
    query = sa.select(archive_sessions).where(
        archive_sessions.c.id_hash == token_hash(token),
        archive_sessions.c.transfer_id == transfer_id,
        archive_sessions.c.expires_at > services.clock.now(),
    )
    row = tx.execute(query).one_or_none()
    return None if row is None else (Reader(Capacity(row.capacity), row.reader_id), row)


def of_archive(tx: Connection, reader: Reader, archive_hash: bytes) -> list[Any]:
    table = _table(reader)
    return list(tx.execute(sa.select(table).where(table.c.archive_hash == archive_hash)).all())


def has_room(row: Any, size: int) -> bool:
    """Whether a session may still send its content once more."""
    return bool(row.bytes_sent + size <= row.byte_cap)


def charge(tx: Connection, services: Services, session: Session, size: int) -> None:
    """Count `size` bytes before they leave, so that a crash between cannot make them free. RateLimited past the cap.

    NotFound when the session's time ended before its first byte: then it was given back, and another may have taken it.
    """
    row = _row(tx, session)
    if row.expires_at <= services.clock.now() and not row.bytes_sent and row.completed_at is None:
        raise NotFound
    require_room(tx, session, size)
    if row.bytes_sent == 0 and session.reader.capacity is Capacity.RECIPIENT:
        used = sa.update(recipients).where(recipients.c.id == session.reader.id)
        tx.execute(used.values(downloads_used=recipients.c.downloads_used + 1))
    _add(tx, session, size)


def require_room(tx: Connection, session: Session, size: int) -> None:
    """RateLimited when the session, or the archive it belongs to, may not send `size` bytes more."""
    bound = _row(tx, session) if session.archive_hash is None else _archive(tx, session.archive_hash)
    if not has_room(bound, size):
        raise RateLimited("this download was repeated too often; open it anew")


def charge_archive(tx: Connection, archive_hash: bytes, size: int) -> None:
    """Count bytes of the archive itself, for which there must be room."""
    changed = sa.update(archive_sessions).where(archive_sessions.c.id_hash == archive_hash)
    tx.execute(changed.values(bytes_sent=archive_sessions.c.bytes_sent + size))


def settle(
    tx: Connection, services: Services, session: Session, start: int, left: int, unused: int
) -> tuple[bool, bool]:
    """Note that `left` bytes from `start` have left, and give `unused` ones back that were never handed on.

    Returns whether these are the session's first bytes, and whether they complete it.
    """
    row = _row(tx, session)
    known: list[Range] = [(low, high) for low, high in json.loads(row.ranges)]
    ranges = merged(known, start, start + left)
    changed: dict[str, Any] = {"ranges": json.dumps(ranges)}
    completes = row.completed_at is None and is_complete(ranges, session.size)
    if completes:
        changed["completed_at"] = services.clock.now()
    table = _table(session.reader)
    tx.execute(sa.update(table).where(table.c.id_hash == session.id_hash).values(changed))
    if unused:
        _add(tx, session, -unused)
    return not known and row.completed_at is None, completes


def _counted(tx: Connection, services: Services, session: Session) -> int:
    """Downloads that count: a session that ended without having sent a byte is given back."""
    table = download_sessions
    of_file = sa.and_(table.c.recipient_id == session.reader.id, table.c.file_id == session.file_id)
    live = sa.or_(table.c.bytes_sent > 0, table.c.completed_at.is_not(None), table.c.expires_at > services.clock.now())
    return tx.execute(sa.select(sa.func.count()).select_from(table).where(of_file, live)).scalar_one()


def _add(tx: Connection, session: Session, size: int) -> None:
    table = _table(session.reader)
    changed = sa.update(table).where(table.c.id_hash == session.id_hash)
    tx.execute(changed.values(bytes_sent=table.c.bytes_sent + size))
    if session.archive_hash is not None:
        charge_archive(tx, session.archive_hash, size)


def _row(tx: Connection, session: Session) -> Any:
    table = _table(session.reader)
    return tx.execute(sa.select(table).where(table.c.id_hash == session.id_hash)).one()


def _archive(tx: Connection, archive_hash: bytes) -> Any:
    return tx.execute(sa.select(archive_sessions).where(archive_sessions.c.id_hash == archive_hash)).one()


def _reader(row: Any) -> Reader:
    recipient_id = getattr(row, "recipient_id", None)
    if recipient_id is not None:
        return Reader(Capacity.RECIPIENT, recipient_id)
    return Reader(Capacity(row.capacity), row.user_id)


def _table(reader: Reader) -> Table:
    return download_sessions if reader.capacity is Capacity.RECIPIENT else member_downloads


def _owner(reader: Reader) -> sa.Column[Any]:
    return download_sessions.c.recipient_id if reader.capacity is Capacity.RECIPIENT else member_downloads.c.user_id
