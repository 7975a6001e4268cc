"""Job `rewrap`: brings every file key and every sealed column to the active key version, batch by batch.

A pass that was cut short begins again and finds what it did; nothing is sealed below the floor meanwhile
(see key_usage), so one whole pass is enough.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

import sqlalchemy as sa
import structlog
from sqlalchemy import Connection, Table

from kozutumi_app.adapters.database.schema import files, metadata
from kozutumi_app.crypto import wrapping
from kozutumi_app.crypto.columns import Columns
from kozutumi_app.crypto.encoding import CryptoError
from kozutumi_app.errors import ObjectMissing
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit, key_usage, settings_store
from kozutumi_app.use_cases.key_usage import Progress
from kozutumi_contract.keyring import KeyRingError

KIND: Final = "rewrap"
SUBJECT: Final = "keys"
_BATCH: Final = 50
_IN_FLIGHT: Final = "keys_rewrap_in_flight"
_SUFFIX: Final = "_sealed"

log = structlog.get_logger()


class _OvertakenError(Exception):
    """The active version changed: the job was asked for again and begins anew."""


def rewrap(services: Services, subject: str) -> None:
    """Idempotent. StorageUnavailable and DatabaseUnavailable leave it to be run again."""
    del subject
    _finish_killed_batch(services)
    target = services.keyring.active
    with services.database.write() as tx:
        left = _files_left(tx, target) + sum(_rows_left(tx, services, table) for table in sealed_tables())
        known = key_usage.progress(tx)
        total = max(known.total, left) if known.version == target else left
        key_usage.set_progress(tx, Progress(target, total, total - left))
    try:
        for file_id in _old_files(services, target):
            _rewrap_file(services, file_id, target)
        for table in sealed_tables():
            _reseal_table(services, table, target)
        with services.database.write() as tx:
            _require_target(services, target)
            key_usage.set_rewrapped_to(tx, target)
            key_usage.set_progress(tx, Progress(target, total, total))
            audit.append(tx, services, type="key.data_rewrapped", actor_id=audit.SYSTEM, object_id=f"key-{target}")
    except _OvertakenError:
        log.info("rewrap.overtaken", version=target)


def sealed_tables() -> list[Table]:
    """Every table with a column that is sealed under a rotating key; each has its row's id as the key."""
    return [table for table in metadata.sorted_tables if sealed_columns(table)]


def sealed_columns(table: Table) -> list[str]:
    return [column.name for column in table.columns if column.name.endswith(_SUFFIX)]


def _old_files(services: Services, target: int) -> Iterator[str]:
    """Ids of files to do. Those being done are on record: a key that is put while its file is recalled is taken back."""
    after = ""
    while True:
        with services.database.write() as tx:
            query = sa.select(files.c.id).where(_old(target), files.c.id > after).order_by(files.c.id).limit(_BATCH)
            batch = list(tx.execute(query).scalars())
            settings_store.put(tx, _IN_FLIGHT, json.dumps(batch))
        if not batch:
            return
        yield from batch
        after = batch[-1]


def _rewrap_file(services: Services, file_id: str, target: int) -> None:
    ring, tenant, object_key = services.keyring, services.settings.service_code, wrapping.object_key(file_id)
    damaged = False
    try:
        wrapped = services.blobs.get(object_key)
        if wrapping.version(wrapped) != target:
            key = wrapping.unwrap(ring, tenant, file_id, wrapped)
            services.blobs.put(object_key, wrapping.wrap(ring, tenant, file_id, key))
    except (ObjectMissing, CryptoError, KeyRingError) as error:
        damaged = True  # no key of the ring opens it, so it needs none
        log.warning("rewrap.file_key_unusable", error=type(error).__name__)
    with services.database.write() as tx:
        _require_target(services, target)
        there = sa.and_(files.c.id == file_id, files.c.deleted_at.is_(None))
        alive = tx.execute(sa.update(files).where(there).values(key_version=target)).rowcount == 1
        if alive and damaged:
            audit.append(
                tx, services, type="file.key_unusable", actor_id=audit.SYSTEM, object_id=file_id, outcome="failed"
            )
        _count(tx, 1)
    if not alive:
        services.blobs.delete(object_key)


def _finish_killed_batch(services: Services) -> None:
    """Take away the keys that a killed run may have put back after their files were recalled."""
    with services.database.read() as tx:
        batch = json.loads(settings_store.get(tx, _IN_FLIGHT) or "[]")
        gone = sa.select(files.c.id).where(files.c.id.in_(batch), files.c.deleted_at.is_not(None))
        recalled = list(tx.execute(gone).scalars()) if batch else []
    for file_id in recalled:
        services.blobs.delete(wrapping.object_key(file_id))


def _reseal_table(services: Services, table: Table, target: int) -> None:
    names, after = sealed_columns(table), ""
    while True:
        with services.database.write() as tx:
            _require_target(services, target)
            query = sa.select(table).where(_stale(services, table), table.c.id > after).order_by(table.c.id)
            rows = tx.execute(query.limit(_BATCH)).all()
            for row in rows:
                fresh = _resealed(services.columns, table.name, row._mapping, names)  # noqa: SLF001 - documented name
                tx.execute(sa.update(table).where(table.c.id == row.id).values(fresh))
            _count(tx, len(rows))
        if len(rows) < _BATCH:
            return
        after = rows[-1].id


def _resealed(columns: Columns, table: str, row: Any, names: list[str]) -> dict[str, bytes]:
    fresh = {}
    for name in names:
        if row[name] is None:
            continue
        try:
            text = columns.open(table, name, row["id"], row[name])
            fresh[name] = columns.seal(table, name, row["id"], text)
        except (CryptoError, KeyRingError) as error:
            fresh[name] = row[name]  # no key of the ring opens it; it is left as evidence
            log.warning("rewrap.column_unusable", table=table, column=name, error=type(error).__name__)
    return fresh


def _require_target(services: Services, target: int) -> None:
    if services.keyring.active != target:
        raise _OvertakenError


def _count(tx: Connection, more: int) -> None:
    now = key_usage.progress(tx)
    key_usage.set_progress(tx, Progress(now.version, now.total, min(now.total, now.done + more)))


def _old(target: int) -> sa.ColumnElement[bool]:
    return sa.and_(files.c.key_version != target, files.c.deleted_at.is_(None))


def _stale(services: Services, table: Table) -> sa.ColumnElement[bool]:
    current = services.columns.header
    first: Callable[[str], sa.ColumnElement[bytes]] = lambda name: sa.func.substr(table.c[name], 1, len(current))  # noqa: E731
    return sa.or_(*(first(name) != current for name in sealed_columns(table)))


def _files_left(tx: Connection, target: int) -> int:
    return tx.execute(sa.select(sa.func.count()).select_from(files).where(_old(target))).scalar_one()


def _rows_left(tx: Connection, services: Services, table: Table) -> int:
    return tx.execute(sa.select(sa.func.count()).select_from(table).where(_stale(services, table))).scalar_one()
