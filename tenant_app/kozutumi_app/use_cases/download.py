"""Reading what was delivered: opened once by a POST, then read in ranges by the browser that opened it (architecture.md §6 rule 2).

One engine for recipients, members who asked for files, and approvers who look into a transfer; `grants` decides for all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import files, recipients, transfers
from kozutumi_app.crypto.encoding import CryptoError
from kozutumi_app.domain.grants import Capacity, Denied, Reader
from kozutumi_app.domain.identifiers import new_token
from kozutumi_app.domain.rate_limits import Limit
from kozutumi_app.domain.zip64 import Archive, Content
from kozutumi_app.errors import (
    Draining,
    KozutumiError,
    NotFound,
    ObjectMissing,
    RateLimited,
    Refused,
    StorageUnavailable,
    TransferOver,
)
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit, download_sessions, grants, sender_notices, settings_store, stored_files
from kozutumi_app.use_cases.download_sessions import Session
from kozutumi_app.use_cases.stored_files import Part, StoredFile

LIFETIME: Final = download_sessions.LIFETIME
_REFUSALS: Final = Limit(burst=60, seconds=5)  # of one reader: what is recorded must not fill the disk


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a download."""

    session: Session
    manifest_id: str


@dataclass(frozen=True, slots=True)
class Download:
    """An open download: one file, or several as `archive`. `etag` names these very bytes, `sha256` (hex) where known."""

    reader: Reader
    transfer_id: str
    entries: tuple[Entry, ...]
    name: str
    size: int
    etag: str
    sha256: str | None
    archive: Archive | None = None
    archive_hash: bytes | None = None

    def contents(self, start: int, end: int) -> Iterator[bytes | Content]:
        """Cut [start, end) into bytes of the archive itself and ranges of files."""
        if self.archive is None:
            yield Content(0, start, end)
            return
        for piece in self.archive.pieces(start, end):
            yield piece if isinstance(piece, Content) else piece.data

    def empty_within(self, start: int, end: int) -> list[Entry]:
        """Empty files that are complete once [start, end) left: alone, or with the archive's end, which lists them."""
        if self.archive is not None and not start < self.size == end:
            return []
        return [entry for entry in self.entries if entry.session.size == 0]


def open_file(services: Services, reader: Reader, file_id: str, previous: str | None = None) -> str:
    """Reserve one download and return the session's token. Two racing requests on a limit of one have one winner.

    `previous`, the token that the same browser has, is returned where its download is unfinished: it goes on, and
    counts once.
    """
    token = new_token(services.random)
    try:
        with services.database.write() as tx:
            require_open(tx)
            row = readable(tx, services, reader, file_id)
            if previous is not None and _goes_on(tx, services, previous, reader, row):
                record(tx, services, "download.continued", reader, row.transfer_id, {"file": file_id})
                return previous
            session = Session(download_sessions.token_hash(token), reader, file_id, row.size)
            download_sessions.reserve(tx, services, session, row.max_downloads)
            record(tx, services, "download.opened", reader, row.transfer_id, {"file": file_id})
    except Refused as error:
        refuse(services, reader, error, {"file": file_id})
        raise
    return token


def open_session(services: Services, recipient_id: str, file_id: str) -> str:
    """`open_file` for a recipient."""
    return open_file(services, Reader(Capacity.RECIPIENT, recipient_id), file_id)


def find(services: Services, token: str | None, file_id: str) -> Download:
    """Return the download that the token opened. NotFound without one: who has no grant learns nothing; TransferOver after it."""
    if not token:
        raise NotFound
    with services.database.read() as tx:
        found = download_sessions.find(tx, services, token, file_id)
        if found is None:
            raise NotFound
        reader, row = found
        file = _readable_or_refused(tx, services, reader, file_id)
    session = Session(row.id_hash, reader, file_id, file.size)
    opened = services.columns.open
    return Download(
        reader=reader,
        transfer_id=file.transfer_id,
        entries=(Entry(session, file.manifest_id),),
        name=opened("files", "name_sealed", file_id, file.name_sealed),
        size=file.size,
        etag=f'"{file.manifest_id}"',
        sha256=file.sha256_sealed and opened("files", "sha256_sealed", file_id, file.sha256_sealed),
    )


def open_stored(services: Services, entry: Entry) -> StoredFile:
    """Unwrap the file's key and read its manifest."""
    try:
        stored = stored_files.open_file(services, entry.session.file_id, entry.manifest_id)
    except ObjectMissing:  # recalled a moment ago: the key goes first
        raise TransferOver from None
    except CryptoError as error:
        raise StorageUnavailable("the stored file is damaged") from error
    if stored.manifest.total != entry.session.size:
        raise StorageUnavailable("the stored file is damaged")
    return stored


def parts(stored: StoredFile, start: int, end: int) -> Iterator[tuple[int, Part]]:
    """Cut [start, end) of a file at its segments; each with its place in the file."""
    position = start
    for part in stored_files.parts(stored.manifest, start, end):
        yield position, part
        position += part.end - part.start


def admit(services: Services, download: Download, entry: Entry, size: int) -> None:
    """Check the grant again and charge `size` bytes to the session's cap, before they are sent."""
    try:
        with services.database.write() as tx:
            readable(tx, services, download.reader, entry.session.file_id)
            download_sessions.charge(tx, services, entry.session, size)
    except Refused as error:
        refuse(services, download.reader, error, {"file": entry.session.file_id})
        raise


def begin(services: Services, download: Download, start: int, end: int) -> None:
    """Before the first byte of [start, end): check the grant for each file, and that the cap has room for all of it.

    An archive's own bytes are charged here, those of files segment by segment (`admit`).
    """
    try:
        with services.database.write() as tx:
            for entry in download.entries:
                readable(tx, services, download.reader, entry.session.file_id)
            download_sessions.require_room(tx, download.entries[0].session, end - start)
            if download.archive_hash is not None:
                own = sum(len(piece) for piece in download.contents(start, end) if isinstance(piece, bytes))
                download_sessions.charge_archive(tx, download.archive_hash, own)
    except Refused as error:
        refuse(services, download.reader, error, {"transfer": download.transfer_id})
        raise


def check(services: Services, download: Download, entry: Entry) -> None:
    """Ask for the grant only, between two segments."""
    with services.database.read() as tx:
        _readable_or_refused(tx, services, download.reader, entry.session.file_id)


def settle(services: Services, download: Download, entry: Entry, start: int, left: int, unused: int) -> None:
    """Note that `left` bytes from `start` left and `unused` charged ones did not; the last missing one completes the file."""
    session, reader = entry.session, download.reader
    with services.database.write() as tx:
        first, completes = download_sessions.settle(tx, services, session, start, left, unused)
        if first and (left or completes):
            _tell_sender(tx, services, reader)
        if completes:
            record(tx, services, "download.completed", reader, download.transfer_id, {"file": session.file_id})
    services.metrics.downloaded_bytes.inc(left)


def require_open(tx: Connection) -> None:
    if settings_store.is_draining(tx):
        raise Draining


def readable(tx: Connection, services: Services, reader: Reader, file_id: str) -> Any:
    """Row of the file, if the reader may read it now."""
    decision = grants.may_read(tx, services, reader, file_id)
    if isinstance(decision, Denied):
        raise TransferOver if decision.over else NotFound
    return decision.row


def record(
    tx: Connection,
    services: Services,
    type: str,
    reader: Reader,
    transfer_id: str,
    details: dict[str, str],
    outcome: str = "ok",
) -> None:
    if reader.capacity is Capacity.APPROVER and type == "download.opened":
        type = "approval.previewed"  # noqa: A001 - as the audit log calls it
    elif reader.capacity is not Capacity.RECIPIENT:
        details = {**details, "as": reader.capacity.value}
    audit.append(tx, services, type=type, actor_id=reader.id, object_id=transfer_id, outcome=outcome, details=details)


def refuse(services: Services, reader: Reader, error: KozutumiError, details: dict[str, str]) -> None:
    """Record a refusal in a transaction of its own: the one that refused was rolled back.

    The reader is proven, so no stranger; but who asks on and on is told to wait instead, and only counted.
    """
    wait = services.limits.retry_after("refused download", reader.id, _REFUSALS, services.clock.now())
    if wait:
        services.metrics.refusals.labels(RateLimited.code).inc()
        raise RateLimited(retry_after=wait) from error
    with services.database.write() as tx:
        transfer_id = _transfer_of(tx, reader, details.get("file"), details.get("transfer"))
        if transfer_id is not None:
            record(tx, services, "download.refused", reader, transfer_id, details, outcome=error.code)


def _readable_or_refused(tx: Connection, services: Services, reader: Reader, file_id: str) -> Any:
    try:
        return readable(tx, services, reader, file_id)
    except Refused as error:
        refuse(services, reader, error, {"file": file_id})
        raise


def _goes_on(tx: Connection, services: Services, token: str, reader: Reader, file: Any) -> bool:
    found = download_sessions.find(tx, services, token, file.id)
    if found is None:
        return False
    owner, row = found
    return owner == reader and row.completed_at is None and download_sessions.has_room(row, file.size)


def _tell_sender(tx: Connection, services: Services, reader: Reader) -> None:
    if reader.capacity is Capacity.RECIPIENT:
        sender_notices.downloaded(tx, services, reader.id)


def _transfer_of(tx: Connection, reader: Reader, file_id: str | None, transfer_id: str | None) -> str | None:
    """The transfer that a refusal is about; None where the reader has none such, which is nobody's business."""
    if reader.capacity is Capacity.RECIPIENT:
        return tx.execute(sa.select(recipients.c.transfer_id).where(recipients.c.id == reader.id)).scalar_one_or_none()
    if transfer_id is not None:
        return tx.execute(sa.select(transfers.c.id).where(transfers.c.id == transfer_id)).scalar_one_or_none()
    return tx.execute(sa.select(files.c.transfer_id).where(files.c.id == file_id)).scalar_one_or_none()
