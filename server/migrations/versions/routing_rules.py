"""The county's own routing rules in versions; areas are found by an index on their boxes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "routing_rules"
down_revision = "duplicates"


def upgrade() -> None:
    op.create_table(
        "rule_set",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_from", sa.DateTime(timezone=True)),
        sa.Column("used_until", sa.DateTime(timezone=True)),
        sa.Column("used_by", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_rule_set"),
        sa.UniqueConstraint("number", name="uq_rule_set_number"),
    )
    op.create_index(
        "uq_rule_set_in_use",
        "rule_set",
        [sa.text("(true)")],
        unique=True,
        postgresql_where=sa.text("used_from IS NOT NULL AND used_until IS NULL"),
    )
    op.create_table(
        "routing_rule",
        sa.Column("set_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("area_id", sa.Uuid()),
        sa.Column("sector_no", sa.Integer()),
        sa.Column("hazard_type", sa.Text()),
        sa.Column("enterprise_id", sa.Uuid()),
        sa.Column("unit_id", sa.Uuid()),
        sa.Column("responsible", postgresql.JSONB(), nullable=False),
        sa.Column("enforcement_unit_id", sa.Uuid()),
        sa.PrimaryKeyConstraint("set_id", "position", name="pk_routing_rule"),
        sa.ForeignKeyConstraint(["set_id"], ["rule_set.id"], name="fk_routing_rule_set_id"),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name="fk_routing_rule_area_id"),
        sa.ForeignKeyConstraint(["sector_no"], ["sector.no"], name="fk_routing_rule_sector_no"),
        sa.ForeignKeyConstraint(["hazard_type"], ["hazard_type.code"], name="fk_routing_rule_hazard_type"),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name="fk_routing_rule_enterprise_id"),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name="fk_routing_rule_unit_id"),
        sa.ForeignKeyConstraint(
            ["enforcement_unit_id"], ["unit.id"], name="fk_routing_rule_enforcement_unit_id"
        ),
    )
    op.add_column("routing_proposal", sa.Column("rule_set", sa.Integer()))
    op.add_column("routing_proposal", sa.Column("rule_position", sa.Integer()))
    op.add_column("routing_proposal", sa.Column("rule_name", sa.Text()))
    op.create_index("ix_unit_return_returned_at", "unit_return", ["returned_at"])
    op.create_index(
        "ix_area_box",
        "area",
        [sa.text("box(point(min_lng, min_lat), point(max_lng, max_lat))")],
        postgresql_using="gist",
    )


def downgrade() -> None:
    op.drop_index("ix_area_box", "area")
    op.drop_index("ix_unit_return_returned_at", "unit_return")
    op.drop_column("routing_proposal", "rule_name")
    op.drop_column("routing_proposal", "rule_position")
    op.drop_column("routing_proposal", "rule_set")
    op.drop_table("routing_rule")
    op.drop_table("rule_set")
