"""The copy of a video without its sound, which units see instead of the one with it."""

import sqlalchemy as sa
from alembic import op

revision = "silent_video"
down_revision = "desk_joined"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("medium", sa.Column("silent_key", sa.Text(), nullable=True))
