"""Checklists, planned visits and inspections."""

import uuid
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from server.core.db import Base, Facts, Identified


class Checklist(Identified, Base):
    """检查表: one content and standard per kind of enterprise, versioned (DOMAIN.md §7)."""

    __tablename__ = "checklist"
    __table_args__ = (sa.UniqueConstraint("code", "version"),)

    code: Mapped[str]
    version: Mapped[int]
    title: Mapped[str]
    sector_no: Mapped[int | None]
    """None: fits every sector."""
    items: Mapped[list[Facts]]
    """[{id, text, text_en, clause}]"""


class Visit(Identified, Base):
    """走访: an enterprise that an inspector is to visit, and why."""

    __tablename__ = "visit"
    __table_args__ = (
        sa.CheckConstraint("reason IN ('due', 'recheck', 'pushed')", name="reason"),
        sa.CheckConstraint("state IN ('planned', 'done')", name="state"),
        sa.Index("ix_visit_inspector_due", "inspector_id", "due_on"),
    )

    enterprise_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("enterprise.id"))
    inspector_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("person.id"))
    checklist_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("checklist.id"))
    due_on: Mapped[date]
    reason: Mapped[str]
    state: Mapped[str] = mapped_column(default="planned")
    done_at: Mapped[datetime | None]


class Inspection(Base):
    """检查记录: what an inspector answered on a visit, immutable; its key is the submission's."""

    __tablename__ = "inspection"

    submission_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    visit_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("visit.id"))
    enterprise_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("enterprise.id"))
    inspector_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("person.id"))
    checklist_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("checklist.id"))
    answers: Mapped[list[Facts]]
    hazards: Mapped[list[str]]
    """Submission ids of the hazards found on this visit."""
    signatures: Mapped[list[Facts]]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    received_at: Mapped[datetime]
    flags: Mapped[list[Facts]] = mapped_column(default=list)
