"""What reporter and office say to each other."""

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from server.core.db import Base, Identified


class Message(Base):
    """One message; its key is chosen by the sender, so that sending it again changes nothing."""

    __tablename__ = "message"
    __table_args__ = (sa.Index("ix_message_report_at", "report_id", "at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    report_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("report.id"))
    at: Mapped[datetime]
    from_reporter: Mapped[bool]
    author_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    text: Mapped[str]
    submission_id: Mapped[uuid.UUID | None] = mapped_column(unique=True)
    """The submission that brought it, with its photos; never shown to staff."""


class Satisfaction(Base):
    """Whether the reporter is content with the reply; the last word counts."""

    __tablename__ = "satisfaction"

    report_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("report.id"), primary_key=True)
    at: Mapped[datetime]
    satisfied: Mapped[bool]
    reason: Mapped[str]


class AnswerRead(Base):
    """送达: when an answer was first opened with the code. From that day the time for an objection runs."""

    __tablename__ = "answer_read"

    report_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("report.id"), primary_key=True)
    answered_at: Mapped[datetime] = mapped_column(primary_key=True)
    read_at: Mapped[datetime]


class ReplyTemplate(Identified, Base):
    """答复模板: words to begin a reply with. Without a unit it is the county's, for every unit to use."""

    __tablename__ = "reply_template"
    __table_args__ = (sa.Index("ix_reply_template_unit", "unit_id"),)

    unit_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("unit.id"))
    title: Mapped[str]
    text: Mapped[str]
    """With {placeholders} that the screen fills in from the case (feedback/templates.py)."""
    finding: Mapped[str | None]
    """The finding it is meant for; None for any."""
    updated_at: Mapped[datetime]
