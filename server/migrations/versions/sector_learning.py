"""Sectors: the text of their duties, what people confirmed, and models learned from it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "sector_learning"
down_revision = "further_evidence"


def upgrade() -> None:
    op.add_column("sector", sa.Column("duties", sa.Text(), nullable=False, server_default=""))
    op.add_column("sector_proposal", sa.Column("confirmed_no", sa.Integer()))
    op.add_column("sector_proposal", sa.Column("confirmed_at", sa.DateTime(timezone=True)))
    op.create_foreign_key(
        "fk_sector_proposal_confirmed_no", "sector_proposal", "sector", ["confirmed_no"], ["no"]
    )
    op.execute("""
        UPDATE sector_proposal SET confirmed_no = c.sector_no, confirmed_at = c.accepted_at
        FROM case_report r JOIN "case" c ON c.id = r.case_id
        WHERE r.report_id = sector_proposal.report_id AND r.left_at IS NULL
          AND c.sector_no IS NOT NULL AND c.accepted_at IS NOT NULL
    """)
    op.create_table(
        "sector_model",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("figures", postgresql.JSONB(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_sector_model"),
        sa.UniqueConstraint("number", name="uq_sector_model_number"),
    )


def downgrade() -> None:
    op.drop_table("sector_model")
    op.drop_column("sector_proposal", "confirmed_at")
    op.drop_column("sector_proposal", "confirmed_no")
    op.drop_column("sector", "duties")
