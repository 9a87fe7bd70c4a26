"""An upload of one piece needs no joining: its piece is the sealed object."""

import sqlalchemy as sa
from alembic import op

revision = "upload_object"
down_revision = "task_tries"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("upload", sa.Column("object_key", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("upload", "object_key")
