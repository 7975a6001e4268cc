"""Alembic's entry: runs on the connection that `migrate.upgrade` passes in, and on nothing else."""

from __future__ import annotations

from alembic import context

from kozutumi_app.adapters.database.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
