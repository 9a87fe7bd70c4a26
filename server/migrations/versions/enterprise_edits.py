"""Files of enterprises are mended in the field: versions, edits, and fields for which a person chooses."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "enterprise_edits"
down_revision = "routing_rules"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "enterprise", sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False)
    )
    op.create_table(
        "enterprise_edit",
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("enterprise_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_version", sa.Integer(), nullable=True),
        sa.Column("fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["enterprise_id"], ["enterprise.id"], name=op.f("fk_enterprise_edit_enterprise_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_enterprise_edit_person_id")),
        sa.PrimaryKeyConstraint("submission_id", name=op.f("pk_enterprise_edit")),
    )
    op.create_index(
        op.f("ix_enterprise_edit_enterprise_id"), "enterprise_edit", ["enterprise_id"], unique=False
    )
    op.create_table(
        "enterprise_conflict",
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("enterprise_id", sa.Uuid(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("values", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("taken", sa.Boolean(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("reason IN ('changed', 'elsewhere')", name=op.f("ck_enterprise_conflict_reason")),
        sa.CheckConstraint(
            "(decided_at IS NULL) = (taken IS NULL)", name=op.f("ck_enterprise_conflict_decided")
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["enterprise_edit.submission_id"],
            name=op.f("fk_enterprise_conflict_submission_id"),
        ),
        sa.ForeignKeyConstraint(
            ["enterprise_id"], ["enterprise.id"], name=op.f("fk_enterprise_conflict_enterprise_id")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["person.id"], name=op.f("fk_enterprise_conflict_decided_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enterprise_conflict")),
    )
    op.create_index(
        "ix_enterprise_conflict_open",
        "enterprise_conflict",
        ["enterprise_id"],
        unique=False,
        postgresql_where=sa.text("decided_at IS NULL"),
    )
    op.create_index("ix_change_topic_key", "change", ["topic", "key"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_change_topic_key", table_name="change")
    op.drop_table("enterprise_conflict")
    op.drop_table("enterprise_edit")
    op.drop_column("enterprise", "version")
