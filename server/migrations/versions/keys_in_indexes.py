"""Candidates are found in the indexes alone: the likeliest kind stands beside each key there, too."""

from alembic import op

revision = "keys_in_indexes"
down_revision = "desk_alive"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE blocking_key DROP CONSTRAINT pk_blocking_key")
    op.execute(
        "ALTER TABLE blocking_key ADD CONSTRAINT pk_blocking_key"
        " PRIMARY KEY (key, received_at, report_id) INCLUDE (kind)"
    )
    op.execute("DROP INDEX ix_blocking_key_key_open")
    op.execute(
        "CREATE INDEX ix_blocking_key_key_open ON blocking_key (key, received_at) INCLUDE (report_id, kind)"
        " WHERE closed_at IS NULL"
    )
    op.execute("ALTER TABLE blocking_key SET (autovacuum_vacuum_insert_scale_factor = 0.02)")
