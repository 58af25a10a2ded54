"""Run by Alembic, on the connection that `sync.server.database.migrate` hands over."""

from alembic import context

from sync.server import watch_tables
from sync.server.tables import metadata

assert watch_tables.watch_entry.metadata is metadata  # its tables are among them

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
