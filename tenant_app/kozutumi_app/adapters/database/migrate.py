"""Brings the database to this release's schema. Expand-only: two releases may run on it during a rollout."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from kozutumi_app.adapters.database.engine import Database

_SCRIPTS: Final = Path(__file__).parent / "migrations"


class NewerDatabaseError(Exception):
    """Not one of the answers of errors.py: the app does not start."""

    def __init__(self) -> None:
        super().__init__("the database was written by a newer release; run that release, this one would damage it")


def upgrade(database: Database) -> tuple[str | None, str | None]:
    """Run what is missing; returns the revisions before and after. Raises NewerDatabaseError rather than downgrade."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    scripts = ScriptDirectory.from_config(config)
    # Alembic commits by itself; the IMMEDIATE transaction around it keeps two init containers from running at once.
    with database.write() as tx:
        before = revision(tx)
        if before is not None and before not in {script.revision for script in scripts.walk_revisions()}:
            raise NewerDatabaseError
        config.attributes["connection"] = tx
        command.upgrade(config, "head")
        return before, revision(tx)


def revision(tx: sa.Connection) -> str | None:
    return MigrationContext.configure(tx).get_current_revision()
