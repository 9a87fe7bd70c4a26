"""Keys as numbers, what was read of a report, outcomes of pairs, learned models, costs of mistakes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "duplicates"
down_revision = "workflow_table"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.rename_table("blocking_key", "blocking_key_before")
    for name in ("pk_blocking_key", "ix_blocking_key_key_open", "ix_blocking_key_key_received"):
        op.execute(
            f"DROP INDEX IF EXISTS {name}"
            if name[:2] == "ix"
            else f"ALTER INDEX {name} RENAME TO {name}_before"
        )
    op.drop_constraint("fk_blocking_key_report_id", "blocking_key_before")
    op.create_table(
        "blocking_key",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_blocking_key_report_id")),
        sa.PrimaryKeyConstraint("key", "received_at", "report_id", name=op.f("pk_blocking_key")),
    )
    op.create_index(
        "ix_blocking_key_key_open",
        "blocking_key",
        ["key", "received_at"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index(op.f("ix_blocking_key_report_id"), "blocking_key", ["report_id"], unique=False)
    op.create_table(
        "digest",
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_digest_report_id")),
        sa.PrimaryKeyConstraint("report_id", name=op.f("pk_digest")),
    )
    op.create_index(op.f("ix_digest_received_at"), "digest", ["received_at"], unique=False)
    op.create_table(
        "learned_model",
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("trained_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("figures", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("used_since", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_learned_model")),
    )
    op.create_table(
        "triage_costs",
        sa.Column("area_id", sa.Uuid(), nullable=False),
        sa.Column("missed", sa.Double(), nullable=False),
        sa.Column("interrupted", sa.Double(), nullable=False),
        sa.Column("wrong_merge", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_triage_costs_area_id")),
        sa.PrimaryKeyConstraint("area_id", name=op.f("pk_triage_costs")),
    )
    op.add_column(
        "duplicate_suggestion", sa.Column("outcome", sa.Text(), server_default="suggested", nullable=False)
    )
    op.alter_column("duplicate_suggestion", "outcome", server_default=None)
    op.create_check_constraint(
        op.f("ck_duplicate_suggestion_outcome"),
        "duplicate_suggestion",
        "outcome IN ('suggested', 'automatic', 'recurrence')",
    )
    op.add_column(
        "duplicate_suggestion",
        sa.Column("row", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
    )
    op.alter_column("duplicate_suggestion", "row", server_default=None)
    # The worker reads every report again: keys were words, and nothing that was read was kept.
    op.execute(
        """
        INSERT INTO digest (report_id, seq, received_at, closed_at, facts)
        SELECT id, seq, received_at,
          (SELECT max(closed_at) FROM blocking_key_before WHERE report_id = report.id), '{}'
        FROM report
        """
    )
    op.execute(
        """
        INSERT INTO task (id, kind, payload, attempts)
        SELECT gen_random_uuid(), 'triage.compare_photo', jsonb_build_object('submission_id', submission_id), 0
        FROM report ORDER BY seq
        """
    )
    op.drop_table("blocking_key_before")
