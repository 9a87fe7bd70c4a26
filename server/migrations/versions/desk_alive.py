"""What lies in queues has an index of its own: a search in a queue does not read through decades of archived cases."""

from alembic import op

revision = "desk_alive"
down_revision = "cases_of_a_report"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE INDEX ix_desk_row_alive ON desk_row USING gin (facets, grams(words))"
        " WHERE state NOT IN ('archived', 'merged')"
    )
