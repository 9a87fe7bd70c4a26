"""What is joined in one case already is no suspicion that the desk has to judge."""

from importlib import import_module

from alembic import op

revision = "desk_joined"
down_revision = "desk_sides"
branch_labels = None
depends_on = None

BEFORE = "WHERE suggestion.report_id = ANY (reports.ids) AND suggestion.judged IS NULL"


def upgrade() -> None:
    view: str = import_module("server.migrations.versions.desk_sides").VIEW
    assert BEFORE in view
    op.execute(view.replace(BEFORE, f"{BEFORE} AND suggestion.other_id <> ALL (reports.ids)"))
    op.execute(
        """
        UPDATE desk_row SET suspected = desk_row_now.suspected FROM desk_row_now
        WHERE desk_row.suspected > 0 AND desk_row_now.case_id = desk_row.case_id
          AND desk_row.suspected <> desk_row_now.suspected
        """
    )
