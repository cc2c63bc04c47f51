"""Run by Alembic, on the connection that `syft_web.grid.migrations.upgrade` hands it."""

from __future__ import annotations

from alembic import context

from syft_web.grid.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
)
with context.begin_transaction():
    context.run_migrations()
