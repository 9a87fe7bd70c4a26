"""The cases of a report are found without reading all of them through, also those that have it in part."""

from alembic import op

revision = "cases_of_a_report"
down_revision = "desk_lookups"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_case_report_report_id", "case_report", ["report_id"])
