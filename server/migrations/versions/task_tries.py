"""A try that killed its worker counts, and a task may be set aside for a person."""

import sqlalchemy as sa
from alembic import op

revision = "task_tries"
down_revision = "clocks_and_notices"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("task", sa.Column("begun_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("task", sa.Column("deaths", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("task", sa.Column("set_aside_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_task_set_aside",
        "task",
        ["set_aside_at"],
        unique=False,
        postgresql_where=sa.text("set_aside_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_task_set_aside", table_name="task")
    op.drop_column("task", "set_aside_at")
    op.drop_column("task", "deaths")
    op.drop_column("task", "begun_at")
