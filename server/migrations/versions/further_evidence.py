"""What reporters send later, and what the desk enters for somebody who wrote, called or came."""

import sqlalchemy as sa
from alembic import op

revision = "further_evidence"
down_revision = "upload_object"


def upgrade() -> None:
    op.create_table(
        "addition",
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("receipt_hash", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("submission_id", name="pk_addition"),
    )
    op.create_index("ix_addition_receipt", "addition", ["receipt_hash"])
    op.add_column("message", sa.Column("submission_id", sa.Uuid()))
    op.create_unique_constraint("uq_message_submission_id", "message", ["submission_id"])
    op.add_column("medium", sa.Column("original", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("report", sa.Column("arrived_on", sa.Date()))
    op.add_column("report", sa.Column("entered_by_id", sa.Uuid()))
    op.create_foreign_key("fk_report_entered_by_id", "report", "person", ["entered_by_id"], ["id"])


def downgrade() -> None:
    op.drop_column("report", "entered_by_id")
    op.drop_column("report", "arrived_on")
    op.drop_column("medium", "original")
    op.drop_column("message", "submission_id")
    op.drop_table("addition")
