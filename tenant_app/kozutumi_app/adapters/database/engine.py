"""One organization's database: SQLite in WAL mode, write transactions begun IMMEDIATE (architecture.md §7)."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.pool import ConnectionPoolEntry

from kozutumi_app.errors import DatabaseUnavailable

FILE_NAME: Final = "kozutumi.db"
_BUSY_TIMEOUT_MS: Final = 10_000
_TURN_SECONDS: Final = 20.0
_BEGIN: Final = "kozutumi_begin"
_PRAGMAS: Final = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}",
    "PRAGMA trusted_schema=OFF",
    "PRAGMA secure_delete=ON",
    "PRAGMA cache_size=-1024",
    "PRAGMA temp_store=MEMORY",
)


def _unguarded(_: sa.Connection) -> None:
    return


class Database:
    """Gives transactions. `write()` takes the one write lock at once, so a decision read in it stays true.

    `guard` is called at the beginning of each write; what it raises ends that write.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.guard: Callable[[sa.Connection], None] = _unguarded
        self.engine = sa.create_engine(f"sqlite:///{path}", pool_size=4, max_overflow=12, pool_timeout=15)
        event.listen(self.engine, "connect", _prepare)
        event.listen(self.engine, "begin", _begin)
        self._turn = threading.Lock()
        self._writer = self.engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})

    @contextmanager
    def write(self, *, guarded: bool = True) -> Iterator[sa.Connection]:
        """Commit at the end, roll back on any error. Never call a network peer inside."""
        # SQLite lets writers try again and again, and some never win. Within the process they take turns instead.
        if not self._turn.acquire(timeout=_TURN_SECONDS):
            raise DatabaseUnavailable
        try:
            with _translated(), self._writer.begin() as connection:
                if guarded:
                    self.guard(connection)
                yield connection
        finally:
            self._turn.release()

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """One snapshot; what is written in it is rolled back."""
        with _translated(), self.engine.connect() as connection:
            yield connection

    def check(self) -> None:
        """Raise DatabaseUnavailable unless the schema answers."""
        with self.read() as tx:
            tx.execute(sa.text("SELECT count(*) FROM alembic_version"))

    def close(self) -> None:
        self.engine.dispose()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (sa.exc.OperationalError, sa.exc.TimeoutError) as error:
        raise DatabaseUnavailable from error


def _prepare(connection: Any, record: ConnectionPoolEntry) -> None:
    del record
    raw: sqlite3.Connection = connection
    raw.isolation_level = None  # the driver must not begin transactions of its own
    for pragma in _PRAGMAS:
        raw.execute(pragma)


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))
