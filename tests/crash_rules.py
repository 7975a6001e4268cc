"""What must be true of an organization at every moment, looked up in its database and bucket and nowhere in the product's own rules."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from crash_world import World
from download_model import COPIES, EXTRA, Downloads, Opened, union
from kozutumi_app.adapters.database.schema import (
    archive_sessions,
    audit_events,
    download_sessions,
    files,
    segments,
    transfers,
)
from kozutumi_app.crypto import segments as formats
from kozutumi_app.use_cases import audit, upload

ENDED = {"Recalled", "Deleted", "Expired"}


def rows(world: World, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> list[Any]:
    with world.services.database.read() as tx:
        return list(tx.execute(sa.select(table).where(*conditions).order_by(sa.text("rowid"))))


def events(world: World) -> list[tuple[str, str, dict[str, str]]]:
    """Type, object and details of every event."""
    shown = [audit.opened(world.services, audit.of_row(row)) for row in rows(world, audit_events)]
    return [(one.event.type, one.event.object_id, dict(one.details or {})) for one in shown]


def stored_content(world: World, file: Any) -> bytes:
    """What the committed segments of a live file hold, decrypted."""
    services = world.services
    key = upload.key_of(services, file.id)
    content = b""
    for row in sorted(rows(world, segments, segments.c.file_id == file.id), key=lambda row: row.position):
        cipher = formats.Cipher(key, services.settings.service_code, file.id, row.object_id, row.salt)
        sealed = services.blobs.get(f"{file.id}/{row.object_id}")
        content += b"".join(formats.opened(cipher, row.length, 0, row.length, [sealed]))
    return content


def quota(world: World) -> int:
    live = (files.c.deleted_at.is_(None), files.c.joined_into.is_(None))
    return sum(row.size for row in rows(world, files, *live))


def check_events(world: World, downloads: Downloads) -> None:
    """One event for each act, neither missing nor doubled, in an unbroken chain."""
    with world.services.database.read() as tx:
        assert audit.verify(tx) is None
    told = events(world)
    by_file = Counter((kind, details.get("file", "")) for kind, _, details in told)
    by_transfer = Counter((kind, object_id) for kind, object_id, _ in told)
    for file in rows(world, files):
        assert by_file["file.upload_created", file.id] == 1, file.id
        whole = file.state not in {"Uploading", "Part"}
        assert by_file["file.uploaded", file.id] == whole, (file.id, file.state)
        again = by_transfer["file.rescan", file.transfer_id]  # with newer signatures: one verdict more for each
        settled = file.state in {"Clean", "Infected", "Unscannable"}
        assert settled <= by_file["file.verdict", file.id] <= settled + again, file.state
        assert by_file["file.cancelled", file.id] + by_file["file.upload_expired", file.id] <= 1
        if file.deleted_at is None:
            assert by_file["file.cancelled", file.id] + by_file["file.upload_expired", file.id] == 0
    assert max((count for (kind, name), count in by_file.items() if name and kind in ONCE), default=0) <= 1
    for row in rows(world, transfers):
        assert by_transfer["transfer.created", row.id] == 1
        assert by_transfer["transfer.delivered", row.id] == (row.delivered_at is not None)
        assert by_transfer["transfer.recalled", row.id] == (row.state == "Recalled")
        assert by_transfer["transfer.sent", row.id] <= 1
        over = by_transfer["transfer.cancelled", row.id] + by_transfer["transfer.expired", row.id]
        assert over == (row.state in {"Deleted", "Expired"}), row.state
    acts = Counter(kind for kind, _, _ in told)
    sessions = rows(world, download_sessions)
    alone = sum(session.archive_hash is None for session in sessions)
    assert acts["download.opened"] == alone + len(rows(world, archive_sessions))
    assert acts["download.completed"] == sum(session.completed_at is not None for session in sessions)
    assert 0 <= acts["download.continued"] - downloads.continued <= downloads.perhaps_continued


ONCE = {"file.upload_created", "file.uploaded", "file.cancelled", "file.upload_expired"}


def check_downloads(world: World, downloads: Downloads) -> None:
    """What was opened stays so, every byte was charged before it left, and what is noted is what left."""
    sessions = {row.id_hash: row for row in rows(world, download_sessions) if row.archive_hash is None}
    sessions |= {row.id_hash: row for row in rows(world, archive_sessions)}
    for one in downloads.known():
        row = sessions.pop(hashlib.sha256(one.cookie.partition("=")[2].encode()).digest())
        assert one.received <= row.bytes_sent <= one.charged
        if not one.archive:
            _check_alone(row, one)
    killed = sum(not one.cookie for one in downloads.opened)
    assert len(sessions) <= killed
    assert all(row.bytes_sent == 0 for row in sessions.values())


def _check_alone(row: Any, one: Opened) -> None:
    noted = [(start, end) for start, end in json.loads(row.ranges)]
    assert one.received <= COPIES * one.size + EXTRA
    assert union(*noted, *one.came) == union(*one.came)
    if one.size:
        assert union(*noted, *one.noted) == union(*noted)
    assert one.is_complete <= (row.completed_at is not None) <= one.may_be_complete


def check_states(world: World) -> None:
    """Nothing is delivered but what is clean, and what a transfer that is over held is taken away with it."""
    for row in rows(world, transfers):
        held = rows(world, files, files.c.transfer_id == row.id, files.c.state != "Part")
        if row.state == "Delivered":
            live = [file.state for file in held if file.deleted_at is None]
            assert live, "a delivered transfer holds files"
            assert set(live) == {"Clean"}
        if row.state in ENDED:
            assert all(file.deleted_at is not None for file in held)
    assert world.outbox.early == []


def check_no_orphan(world: World, older_than: timedelta) -> None:
    """Every object that is old enough is named by a live row, and every live row has its objects."""
    before: datetime = world.clock.now() - older_than
    live = {file.id: file for file in rows(world, files, files.c.deleted_at.is_(None))}
    named = {f"{file.id}/key" for file in live.values()}
    named |= {f"{file.id}/{file.manifest_id}" for file in live.values() if file.manifest_id}
    named |= {f"{row.file_id}/{row.object_id}" for row in rows(world, segments) if row.file_id in live}
    missing = named - set(world.blobs.objects)
    assert not missing, missing
    surplus = _old(world, set(world.blobs.objects) - named, before)
    assert not surplus, surplus


def _old(world: World, names: Iterable[str], before: datetime) -> list[str]:
    return [name for name in names if world.blobs.modified[name] < before]
