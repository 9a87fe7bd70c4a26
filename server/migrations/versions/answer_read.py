"""When an answer was first opened with the code: an objection's time runs from there."""

import sqlalchemy as sa
from alembic import op

revision = "answer_read"
down_revision = "enterprise_edits"


def upgrade() -> None:
    op.create_table(
        "answer_read",
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("report_id", "answered_at", name="pk_answer_read"),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name="fk_answer_read_report_id"),
    )


def downgrade() -> None:
    op.drop_table("answer_read")
