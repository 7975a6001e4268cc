from __future__ import annotations

import re
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from kozutumi_app.adapters.database import migrate
from kozutumi_app.adapters.database.engine import Database
from kozutumi_app.adapters.database.schema import Instant, metadata, settings
from kozutumi_app.errors import DatabaseUnavailable


@pytest.fixture
def database(tmp_path: Path) -> Database:
    database = Database(tmp_path / "kozutumi.db")
    migrate.upgrade(database)
    return database


def definitions(database: Database) -> dict[str, list[str]]:
    """Every table and index with its words; the order in which constraints are written means nothing."""
    query = sa.text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name != 'alembic_version'")
    with database.read() as tx:
        return {name: sorted(re.findall(r"\w+", sql)) for name, sql in tx.execute(query)}


def test_migrations_make_exactly_the_schema(database: Database, tmp_path: Path) -> None:
    with database.read() as tx:
        assert compare_metadata(MigrationContext.configure(tx), metadata) == []
    fresh = Database(tmp_path / "fresh.db")
    with fresh.write() as tx:
        metadata.create_all(tx)
    assert definitions(fresh) == definitions(database)


def test_a_second_run_changes_nothing(database: Database) -> None:
    before, after = migrate.upgrade(database)
    assert before == after is not None


def test_a_database_of_a_newer_release_is_left_alone(database: Database) -> None:
    with database.write() as tx:
        tx.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(migrate.NewerDatabaseError):
        migrate.upgrade(database)


def test_a_database_without_schema_does_not_pass_the_check(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable):
        Database(tmp_path / "empty.db").check()


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("secure_delete", 1), ("busy_timeout", 10_000)],
)
def test_every_connection_is_prepared(database: Database, pragma: str, value: object) -> None:
    with database.read() as tx:
        assert tx.exec_driver_sql(f"PRAGMA {pragma}").scalar_one() == value


def test_an_error_rolls_all_back(database: Database) -> None:
    def fail_halfway() -> None:
        with database.write() as tx:
            tx.execute(sa.insert(settings).values(key="a", value="1"))
            raise KeyError

    with pytest.raises(KeyError):
        fail_halfway()
    with database.read() as tx:
        assert tx.execute(sa.select(settings)).all() == []


def test_writers_take_turns_and_lose_nothing(database: Database) -> None:
    with database.write() as tx:
        tx.execute(sa.insert(settings).values(key="n", value="0"))

    def add() -> None:
        for _ in range(20):
            with database.write() as tx:
                value = int(tx.execute(sa.select(settings.c.value)).scalar_one())
                tx.execute(sa.update(settings).values(value=str(value + 1)))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as tx:
        assert tx.execute(sa.select(settings.c.value)).scalar_one() == "80"


def test_a_time_comes_back_as_it_was() -> None:
    dialect = sa.create_engine("sqlite://").dialect
    kind = Instant()
    for time in (
        datetime(2026, 1, 5, 3, 4, 5, 678901, tzinfo=timezone(timedelta(hours=9))),
        datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=UTC),
        datetime(9999, 12, 31, tzinfo=UTC),
    ):
        assert kind.process_result_value(kind.process_bind_param(time, dialect), dialect) == time
    with pytest.raises(ValueError, match="zone"):
        kind.process_bind_param(datetime(2026, 1, 5), dialect)  # noqa: DTZ001 - the point of the test
