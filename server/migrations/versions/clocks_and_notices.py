"""Clock rules, the county's calendar, what the sweep said; notices and the ways by which they travel."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "clocks_and_notices"
down_revision = "desk_rows"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calendar_year",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("days", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("year", name=op.f("pk_calendar_year")),
    )
    op.create_table(
        "reporter_contact",
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("submission_id", name=op.f("pk_reporter_contact")),
    )
    op.create_table(
        "notice",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("params", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_notice_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
    )
    op.create_index("ix_notice_person_at", "notice", ["person_id", "at"], unique=False)
    op.create_table(
        "push_subscription",
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("submission_id", sa.Uuid(), nullable=True),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("p256dh", sa.Text(), nullable=False),
        sa.Column("auth", sa.Text(), nullable=False),
        sa.Column("lang", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "(person_id IS NULL) <> (submission_id IS NULL)", name=op.f("ck_push_subscription_one_owner")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_push_subscription_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_subscription")),
        sa.UniqueConstraint(
            "endpoint",
            "person_id",
            "submission_id",
            name=op.f("uq_push_subscription_endpoint_person_id_submission_id"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index(op.f("ix_push_subscription_person_id"), "push_subscription", ["person_id"], unique=False)
    op.create_index(
        op.f("ix_push_subscription_submission_id"), "push_subscription", ["submission_id"], unique=False
    )
    op.create_table(
        "delivery",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("notice_id", sa.Uuid(), nullable=True),
        sa.Column("submission_id", sa.Uuid(), nullable=True),
        sa.Column("subscription_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("channel IN ('push', 'mail', 'contact')", name=op.f("ck_delivery_channel")),
        sa.CheckConstraint("state IN ('waiting', 'sent', 'failed', 'void')", name=op.f("ck_delivery_state")),
        sa.ForeignKeyConstraint(
            ["notice_id"], ["notice.id"], name=op.f("fk_delivery_notice_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
    )
    op.create_index(
        "ix_delivery_failed",
        "delivery",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("state = 'failed'"),
    )
    op.create_index(op.f("ix_delivery_notice_id"), "delivery", ["notice_id"], unique=False)
    op.create_table(
        "clock_rule",
        sa.Column("term", sa.Text(), nullable=False),
        sa.Column("area_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("sector_no", sa.Integer(), nullable=True),
        sa.Column("hazard_type", sa.Text(), nullable=True),
        sa.Column("urgent", sa.Boolean(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("days", sa.Text(), nullable=False),
        sa.Column("warn_share", sa.Double(), nullable=False),
        sa.Column("climb_hours", sa.Integer(), nullable=False),
        sa.Column("extend_amount", sa.Integer(), nullable=False),
        sa.Column("extend_times", sa.Integer(), nullable=False),
        sa.Column("extend_by", sa.Text(), nullable=True),
        sa.Column("pausable", sa.Boolean(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("days IN ('hours', 'natural', 'working')", name=op.f("ck_clock_rule_days")),
        sa.CheckConstraint("kind IN ('tip', 'hazard')", name=op.f("ck_clock_rule_kind")),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_clock_rule_area_id")),
        sa.ForeignKeyConstraint(["sector_no"], ["sector.no"], name=op.f("fk_clock_rule_sector_no")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clock_rule")),
    )
    op.create_index("ix_clock_rule_term", "clock_rule", ["term"], unique=False)
    op.create_table(
        "clock_stage",
        sa.Column("clock_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["clock_id"], ["case_clock.id"], name=op.f("fk_clock_stage_clock_id")),
        sa.PrimaryKeyConstraint("clock_id", "due_at", "stage", name=op.f("pk_clock_stage")),
    )
    op.add_column(
        "case_clock",
        sa.Column("rule", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
    )
    op.add_column("case_clock", sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("case_clock", sa.Column("extended", sa.Integer(), server_default="0", nullable=False))
    op.add_column("case_clock", sa.Column("next_at", sa.DateTime(timezone=True), nullable=True))
    op.alter_column("case_clock", "due_at", existing_type=postgresql.TIMESTAMP(timezone=True), nullable=True)
    op.create_index(
        "ix_case_clock_next",
        "case_clock",
        ["next_at"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "ix_case_clock_waits",
        "case_clock",
        ["started_at"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL AND due_at IS NULL"),
    )
    op.add_column("person", sa.Column("email", sa.Text(), nullable=True))
    # Clocks that run already are looked at when they end; their rule is the default of their term.
    op.execute("UPDATE case_clock SET next_at = due_at WHERE ended_at IS NULL")
