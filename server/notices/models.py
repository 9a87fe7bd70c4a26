"""Notices to people, the ways by which they travel, and what became of each."""

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from server.core.db import Base, Facts, Identified


class Notice(Identified, Base):
    """站内消息: one thing that one person should know; the apps put `code` and `params` into words."""

    __tablename__ = "notice"
    __table_args__ = (sa.Index("ix_notice_person_at", "person_id", "at"),)

    person_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("person.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    code: Mapped[str]
    params: Mapped[Facts] = mapped_column(default=dict)
    case_id: Mapped[uuid.UUID | None]
    """Where it leads; cases are a room above."""
    read_at: Mapped[datetime | None]


class PushSubscription(Identified, Base):
    """A browser that wants to be woken: of a person, or of whoever holds the code of a submission."""

    __tablename__ = "push_subscription"
    __table_args__ = (
        sa.CheckConstraint("(person_id IS NULL) <> (submission_id IS NULL)", name="one_owner"),
        sa.UniqueConstraint("endpoint", "person_id", "submission_id", postgresql_nulls_not_distinct=True),
    )

    person_id: Mapped[uuid.UUID | None] = mapped_column(
        sa.ForeignKey("person.id", ondelete="CASCADE"), index=True
    )
    submission_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    endpoint: Mapped[str]
    p256dh: Mapped[str]
    auth: Mapped[str]
    lang: Mapped[str]
    created_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    """The matter is closed; removed once the last notice is out."""


class ReporterContact(Base):
    """Where a reporter wants to be told, sealed to the notice key; opened only while a notice is sent."""

    __tablename__ = "reporter_contact"

    submission_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    sealed: Mapped[bytes]
    set_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    """The matter is closed; removed once the last notice is out."""


class Delivery(Identified, Base):
    """One message by one way, sent once; its id is what gateways are given to recognise a repetition."""

    __tablename__ = "delivery"
    __table_args__ = (
        sa.CheckConstraint("channel IN ('push', 'mail', 'contact')", name="channel"),
        sa.CheckConstraint("state IN ('waiting', 'sent', 'failed', 'void')", name="state"),
        sa.Index("ix_delivery_failed", "created_at", postgresql_where=sa.text("state = 'failed'")),
    )

    channel: Mapped[str]
    notice_id: Mapped[uuid.UUID | None] = mapped_column(
        sa.ForeignKey("notice.id", ondelete="CASCADE"), index=True
    )
    """None for a reporter, who has no inbox."""
    submission_id: Mapped[uuid.UUID | None]
    subscription_id: Mapped[uuid.UUID | None]
    state: Mapped[str] = mapped_column(default="waiting")
    """`void`: the way was switched off before it was sent."""
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    fault: Mapped[str | None]
    """What the gateway said, without address or words."""
