"""Alembic runs this file; `kimp.adapters.sql.migrating` hands it the connection."""

from alembic import context

from kimp.adapters.sql.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
