"""What arrived: reports as their senders wrote them, and their media."""

import uuid
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from server.core.db import Base, Facts, Identified, Timeless


class Report(Identified, Base):
    """举报/线索 or an inspector's hazard 隐患: what one person sent. Never changed after it was opened."""

    __tablename__ = "report"
    __table_args__ = (sa.CheckConstraint("kind IN ('tip', 'hazard')", name="kind"),)

    submission_id: Mapped[uuid.UUID] = mapped_column(unique=True)
    """Chosen by the phone; for a tip it is never shown to staff."""
    number: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    channel: Mapped[str] = mapped_column(default="app")
    arrived_on: Mapped[date | None]
    """The day on which a letter, call or visit reached the office."""
    entered_by_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    """Who of the desk wrote it down for somebody; None for what people sent themselves."""
    seq: Mapped[int] = mapped_column(sa.BigInteger, unique=True)
    """Order of arrival, from the sync ledger."""
    received_at: Mapped[datetime]
    captured_at: Mapped[datetime | None]
    text: Mapped[str]
    hazard_type: Mapped[str | None]
    level: Mapped[str | None]
    clause: Mapped[str | None]
    lat: Mapped[float | None]
    lng: Mapped[float | None]
    accuracy_m: Mapped[float | None]
    place_source: Mapped[str | None]
    place_words: Mapped[str]
    area_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("area.id"))
    enterprise_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("enterprise.id"))
    enterprise_words: Mapped[str]
    named: Mapped[bool] = mapped_column(default=False)
    wants_notice: Mapped[bool] = mapped_column(default=False)
    reporter_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    """The inspector; None for the public."""
    visit_id: Mapped[uuid.UUID | None]
    fixed_on_spot: Mapped[bool] = mapped_column(default=False)
    due_on: Mapped[date | None]
    flags: Mapped[list[Facts]] = mapped_column(default=list)
    """What turned out wrong after opening: {code, field, detail}; shown to the desk, never a refusal."""


class Medium(Timeless, Base):
    """A photo, video or voice of a submission."""

    __tablename__ = "medium"
    __table_args__ = (
        sa.UniqueConstraint("submission_id", "sha256"),
        sa.CheckConstraint("state IN ('expected', 'ready', 'set_aside')", name="state"),
        sa.Index("ix_medium_dhash", "dhash"),
    )

    submission_id: Mapped[uuid.UUID] = mapped_column(index=True)
    position: Mapped[int]
    sha256: Mapped[str]
    """Of the sealed form, as in the manifest."""
    state: Mapped[str] = mapped_column(default="expected")
    kind: Mapped[str | None]
    mime: Mapped[str | None]
    width: Mapped[int | None]
    height: Mapped[int | None]
    duration_s: Mapped[float | None]
    captured_at: Mapped[datetime | None]
    dhash: Mapped[str | None]
    sealed_key: Mapped[str | None]
    clean_key: Mapped[str | None]
    silent_key: Mapped[str | None]
    """Of a video: without its sound, for those who must not know a reporter by the voice."""
    preview_key: Mapped[str | None]
    thumb_key: Mapped[str | None]
    original: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    """A letter as it came, or handwriting: for the desk alone (DOMAIN.md §5)."""
    flags: Mapped[list[Facts]] = mapped_column(default=list)


class ReporterChannel(Base):
    """What a receipt code opens. The code itself never arrives here, only the hash of what is derived from it."""

    __tablename__ = "reporter_channel"

    receipt_hash: Mapped[str] = mapped_column(primary_key=True)
    submission_id: Mapped[uuid.UUID] = mapped_column(unique=True)
    report_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("report.id"), unique=True)
    """None until the worker has opened the submission."""


class Addition(Base):
    """More to a report, sent later by whoever holds its receipt code: further photos and words.

    Tied by the receipt and not by the report, so that it may arrive first.
    """

    __tablename__ = "addition"
    __table_args__ = (sa.Index("ix_addition_receipt", "receipt_hash"),)

    submission_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    receipt_hash: Mapped[str]
    message_id: Mapped[uuid.UUID]
    """Chosen by the phone: words that it tried to send at once before are the same message."""
    received_at: Mapped[datetime]
    text: Mapped[str]


class NumberCounter(Base):
    """The last number given in a series and year."""

    __tablename__ = "number_counter"

    series: Mapped[str] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[int]
