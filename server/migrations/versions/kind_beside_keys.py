"""The likely kind of hazard beside the keys: of many candidates at a place those of the kind come first."""

import sqlalchemy as sa
from alembic import op

revision = "kind_beside_keys"
down_revision = "silent_video"


def upgrade() -> None:
    op.add_column("blocking_key", sa.Column("kind", sa.SmallInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("blocking_key", "kind")
