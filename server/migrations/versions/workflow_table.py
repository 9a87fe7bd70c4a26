"""The whole table of steps: what is open beside the state, who took which step, a report in several cases."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "workflow_table"
down_revision = "sector_learning"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "case", sa.Column("sides", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False)
    )
    op.add_column(
        "case",
        sa.Column("took", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
    )
    op.add_column("case", sa.Column("reward", sa.Text(), nullable=True))
    op.execute(
        'UPDATE "case" SET took = coalesce((SELECT jsonb_object_agg(step, actor_id) FROM ('
        "SELECT DISTINCT ON (step) step, actor_id FROM case_event"
        " WHERE case_id = \"case\".id AND NOT late ORDER BY step, at DESC, id DESC) AS last), '{}')"
    )
    op.drop_column("case", "rectified_by_id")
    op.create_index(
        "ix_case_merged_into",
        "case",
        ["merged_into_id"],
        unique=False,
        postgresql_where=sa.text("merged_into_id IS NOT NULL"),
    )
    op.add_column("case_report", sa.Column("part", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.drop_index("uq_case_report_current", table_name="case_report")
    op.create_index(
        "uq_case_report_current",
        "case_report",
        ["report_id"],
        unique=True,
        postgresql_where=sa.text("left_at IS NULL AND NOT part"),
    )
