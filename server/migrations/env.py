"""Run by Alembic; the connection, its locks and its transaction come from server.migrations.upgrade."""

from alembic import context

from server.migrations.tables import TABLES, belongs_to_us

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=TABLES,
    include_name=belongs_to_us,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
