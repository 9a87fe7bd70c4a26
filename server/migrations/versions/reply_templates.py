"""Templates that units begin a reply with."""

import sqlalchemy as sa
from alembic import op

revision = "reply_templates"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "reply_template",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), sa.ForeignKey("unit.id", name="fk_reply_template_unit_id")),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("finding", sa.Text()),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reply_template"),
    )
    op.create_index("ix_reply_template_unit", "reply_template", ["unit_id"])


def downgrade() -> None:
    op.drop_table("reply_template")
