"""All files of a transfer as one archive: opened like a single file, each file counted and noted as if fetched alone."""

from __future__ import annotations

import hashlib
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import files, transfers
from kozutumi_app.domain import archive_names
from kozutumi_app.domain.grants import Denied, Reader
from kozutumi_app.domain.identifiers import new_token
from kozutumi_app.domain.zip64 import Archive, Member
from kozutumi_app.errors import ArchiveNotReady, NotFound, Refused, TransferOver
from kozutumi_app.services import Services
from kozutumi_app.use_cases import digests, download, download_sessions, grants
from kozutumi_app.use_cases.download import Download, Entry
from kozutumi_app.use_cases.download_sessions import Session

_RETRY_SECONDS = 5


def open_archive(services: Services, reader: Reader, transfer_id: str, previous: str | None = None) -> str:
    """Reserve one download of every file and return the token; see `download.open_file`.

    ArchiveNotReady while a file's CRC-32, which stands before its content, is still being computed.
    """
    try:
        _require_digests(services, reader, transfer_id)
        return _open(services, reader, transfer_id, previous)
    except Refused as error:
        download.refuse(services, reader, error, {"transfer": transfer_id})
        raise


def find(services: Services, token: str | None, transfer_id: str) -> Download:
    """Return the archive that the token opened, of exactly the files it was opened for."""
    if not token:
        raise NotFound
    with services.database.read() as tx:
        found = download_sessions.find_archive(tx, services, token, transfer_id)
        if found is None:
            raise NotFound
        reader, session = found
        entries = {row.file_id: row for row in download_sessions.of_archive(tx, reader, session.id_hash)}
        rows = _in_order(tx, transfer_id, set(entries))
        try:
            for row in rows:
                download.readable(tx, services, reader, row.id)
        except Refused as error:
            download.refuse(services, reader, error, {"transfer": transfer_id})
            raise
        subject = _subject(tx, services, transfer_id)
    archive = Archive(_members(services, rows))
    return Download(
        reader=reader,
        transfer_id=transfer_id,
        entries=tuple(
            Entry(Session(entries[row.id].id_hash, reader, row.id, row.size, session.id_hash), row.manifest_id)
            for row in rows
        ),
        name=archive_names.archive_name(subject),
        size=archive.size,
        etag=_etag(services, rows),
        sha256=None,
        archive=archive,
        archive_hash=session.id_hash,
    )


def _open(services: Services, reader: Reader, transfer_id: str, previous: str | None) -> str:
    token = new_token(services.random)
    archive_hash = download_sessions.token_hash(token)
    with services.database.write() as tx:
        download.require_open(tx)
        rows = _readable_files(tx, services, reader, transfer_id)
        size = Archive(_members(services, rows)).size
        details = {"files": " ".join(row.id for row in rows)}
        if previous is not None and _goes_on(tx, services, previous, reader, transfer_id, size):
            download.record(tx, services, "download.continued", reader, transfer_id, details)
            return previous
        download_sessions.reserve_archive(tx, services, archive_hash, reader, transfer_id, size)
        for row in rows:
            session = Session(services.random(32), reader, row.id, row.size, archive_hash)
            download_sessions.reserve(tx, services, session, row.max_downloads)
        download.record(tx, services, "download.opened", reader, transfer_id, details)
    return token


def _goes_on(tx: Connection, services: Services, token: str, reader: Reader, transfer_id: str, size: int) -> bool:
    found = download_sessions.find_archive(tx, services, token, transfer_id)
    if found is None or found[0] != reader or not download_sessions.has_room(found[1], size):
        return False
    return any(row.completed_at is None for row in download_sessions.of_archive(tx, reader, found[1].id_hash))


def _require_digests(services: Services, reader: Reader, transfer_id: str) -> None:
    with services.database.read() as tx:
        rows = _readable_files(tx, services, reader, transfer_id)
    missing = [row.id for row in rows if row.crc32_sealed is None]
    if missing:
        with services.database.write() as tx:
            for file_id in missing:
                digests.request(tx, services, file_id)
        raise ArchiveNotReady(retry_after=_RETRY_SECONDS)


def _readable_files(tx: Connection, services: Services, reader: Reader, transfer_id: str) -> list[Any]:
    """What the reader may read now, in the sender's order. TransferOver or NotFound when that is nothing."""
    listed = sa.select(files.c.id).where(files.c.transfer_id == transfer_id, files.c.deleted_at.is_(None))
    file_ids = tx.execute(listed.order_by(files.c.position, files.c.id)).scalars().all()
    decisions = [grants.may_read(tx, services, reader, file_id) for file_id in file_ids]
    found = [decision.row for decision in decisions if not isinstance(decision, Denied)]
    if not found:
        over = any(isinstance(decision, Denied) and decision.over for decision in decisions)
        raise TransferOver if over else NotFound
    return found


def _in_order(tx: Connection, transfer_id: str, file_ids: set[str]) -> list[Any]:
    query = sa.select(files).where(files.c.transfer_id == transfer_id).order_by(files.c.position, files.c.id)
    return [row for row in tx.execute(query) if row.id in file_ids]


def _members(services: Services, rows: list[Any]) -> list[Member]:
    opened = services.columns.open
    paths = [
        opened("files", "path_sealed", row.id, row.path_sealed)
        if row.path_sealed is not None
        else opened("files", "name_sealed", row.id, row.name_sealed)
        for row in rows
    ]
    return [
        Member(name, row.size, int(opened("files", "crc32_sealed", row.id, row.crc32_sealed), 16), row.created_at)
        for name, row in zip(archive_names.unique(paths), rows, strict=True)
    ]


def _etag(services: Services, rows: list[Any]) -> str:
    """Of the manifests and of what the archive says about them: the same for the same bytes."""
    digest = hashlib.sha256()
    for row, member in zip(rows, _members(services, rows), strict=True):
        digest.update(f"{row.manifest_id}\0{member}\0".encode())
    return f'"{digest.hexdigest()[:32]}"'


def _subject(tx: Connection, services: Services, transfer_id: str) -> str:
    query = sa.select(transfers.c.subject_sealed).where(transfers.c.id == transfer_id)
    sealed = tx.execute(query).scalar_one()
    return services.columns.open("transfers", "subject_sealed", transfer_id, sealed)
