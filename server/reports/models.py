"""What the desk finds and counts cases by, and the views of it that people keep."""

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from server.core.db import Base, Facts, Identified


class DeskRow(Base):
    """A case as the desk looks for it: one narrow row, so that a queue or a search reads one table with its indexes.

    Nobody writes it: triggers copy it from the view `desk_row_now` in the transaction of whatever changed, so that
    it is right whichever room changed something (migrations/versions/desk_rows.py, desk_lookups.py).
    """

    __tablename__ = "desk_row"
    __table_args__ = (
        sa.Index("ix_desk_row_queue", "state", "rank", "sort_at", "received_at", "case_id"),
        sa.Index("ix_desk_row_received", "received_at", "case_id"),
        sa.Index("ix_desk_row_state", "state", "received_at", "case_id"),
        sa.Index("ix_desk_row_area", "state", "area_path", postgresql_ops={"area_path": "text_pattern_ops"}),
        sa.Index("ix_desk_row_due", "due_at", "case_id", postgresql_where=sa.text("due_at IS NOT NULL")),
        sa.Index(
            "ix_desk_row_area_due",
            "area_path",
            "due_at",
            postgresql_where=sa.text("due_at IS NOT NULL"),
            postgresql_ops={"area_path": "text_pattern_ops"},
        ),
        sa.Index(
            "ix_desk_row_suspected",
            "rank",
            "sort_at",
            "received_at",
            "case_id",
            postgresql_where=sa.text("state = 'registered' AND suspected > 0"),
        ),
        sa.Index("ix_desk_row_facets_grams", "facets", sa.text("grams(words)"), postgresql_using="gin"),
        sa.Index(
            "ix_desk_row_alive",
            "facets",
            sa.text("grams(words)"),
            postgresql_using="gin",
            postgresql_where=sa.text("state NOT IN ('archived', 'merged')"),
        ),
    )

    case_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("case.id", ondelete="CASCADE"), primary_key=True)
    state: Mapped[str]
    area_path: Mapped[str]
    """With a slash at its end; empty without a place."""
    rank: Mapped[int]
    """0 for danger to life, which comes first, 1 for all else."""
    received_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    """When the first of its clocks ends that runs and is the office's: an objection is the reporter's time."""
    sort_at: Mapped[datetime]
    """`due_at`; where no clock runs, when it was received."""
    suspected: Mapped[int]
    """Suspected duplicates that nobody has judged."""
    facets: Mapped[list[str]] = mapped_column(ARRAY(sa.Text()))
    """`state:`, `in:` each area it lies in, `kind:`, `risk:`, `sector:`, `unit:` (proposed ones until the desk
    decides), `at:` the unit that has it, `by:` each person who took a step, `open:` each side of the case, `urgent`,
    `unsatisfied`."""
    words: Mapped[str]
    """All that is searched, in NFKC and lower case."""


class SavedView(Identified, Base):
    """A queue with filters under a name."""

    __tablename__ = "saved_view"

    owner_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("person.id"), index=True)
    name: Mapped[str]
    shared: Mapped[bool]
    """Everybody at the desk sees it; only the owner changes it."""
    query: Mapped[Facts]
    """`queue` and the filters, as in the address bar."""
    created_at: Mapped[datetime]
