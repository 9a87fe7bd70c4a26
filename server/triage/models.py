"""Is it a duplicate, and what sector is it: proposals with their reasons, and what people said of them."""

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from server.core.db import Base, Facts, Identified


class Sector(Base):
    """行业领域: one of the rows of the county's table of tasks."""

    __tablename__ = "sector"

    no: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    title: Mapped[str]
    lead_unit_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("unit.id"))
    """牵头单位"""
    keywords: Mapped[list[str]]
    duties: Mapped[str] = mapped_column(default="", server_default="")
    """任务内容: the text of the row, whose wording tells the sector too."""


class SectorUnit(Base):
    """责任单位 of a sector; `by_place` stands for "各乡镇党委、政府", resolved by the place of the report."""

    __tablename__ = "sector_unit"
    __table_args__ = (
        sa.UniqueConstraint("sector_no", "unit_id", postgresql_nulls_not_distinct=True),
        sa.CheckConstraint("by_place = (unit_id IS NULL)", name="unit_or_place"),
    )

    sector_no: Mapped[int] = mapped_column(sa.ForeignKey("sector.no"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("unit.id"))
    by_place: Mapped[bool] = mapped_column(default=False)


class HazardType(Base):
    """隐患类型 in plain words, below a sector; the first few are chips on the citizen's phone."""

    __tablename__ = "hazard_type"

    code: Mapped[str] = mapped_column(primary_key=True)
    sector_no: Mapped[int] = mapped_column(sa.ForeignKey("sector.no"))
    name: Mapped[str]
    name_en: Mapped[str]
    keywords: Mapped[list[str]]
    clause: Mapped[str | None]
    """The law's words for it, only where they are certain."""
    chip_order: Mapped[int | None]


class BlockingKey(Base):
    """A property by which other reports of the same matter are found: a cell, a company, an address, a photo.

    Looked up newest first, so that a key that thousands share costs no more than one that two share. Its time is
    in the primary key, so that the table can be cut by time when it must be. What is looked up stands in the indexes
    themselves; what comes in is marked as readable there (vacuumed) soon.
    """

    __tablename__ = "blocking_key"
    __table_args__ = (
        sa.PrimaryKeyConstraint("key", "received_at", "report_id", postgresql_include=["kind"]),
        sa.Index(
            "ix_blocking_key_key_open",
            "key",
            "received_at",
            postgresql_where=sa.text("closed_at IS NULL"),
            postgresql_include=["report_id", "kind"],
        ),
        {"postgresql_with": {"autovacuum_vacuum_insert_scale_factor": 0.02}},
    )

    key: Mapped[int] = mapped_column(sa.BigInteger, autoincrement=False)
    """The hash of what is shared (`keys.number`)."""
    received_at: Mapped[datetime]
    report_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("report.id"), index=True)
    closed_at: Mapped[datetime | None]
    """When the matter was closed; None while it is open."""
    kind: Mapped[int | None] = mapped_column(sa.SmallInteger)
    """The likeliest kind of hazard (`keys.own_kind`)."""


class Digest(Base):
    """What triage read out of a report, so that a later one is compared with it at once."""

    __tablename__ = "digest"

    report_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("report.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(sa.BigInteger)
    received_at: Mapped[datetime] = mapped_column(index=True)
    closed_at: Mapped[datetime | None]
    facts: Mapped[Facts]
    """`reading.Told.stored`"""


OUTCOMES = ("suggested", "automatic", "recurrence")


class DuplicateSuggestion(Identified, Base):
    """A report may tell of the same matter as an earlier one. A person's word stands for ever."""

    __tablename__ = "duplicate_suggestion"
    __table_args__ = (
        sa.UniqueConstraint("report_id", "other_id"),
        sa.CheckConstraint("judged IN ('same', 'different')", name="judged"),
        sa.CheckConstraint("outcome IN ('suggested', 'automatic', 'recurrence')", name="outcome"),
    )

    report_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("report.id"))
    other_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("report.id"), index=True)
    outcome: Mapped[str] = mapped_column(default="suggested")
    """suggested; automatic: joined by the system; recurrence: the earlier matter was closed, and comes again."""
    score: Mapped[float]
    reasons: Mapped[list[Facts]]
    row: Mapped[list[float | None]] = mapped_column(JSONB, default=list)
    """What the model saw of the pair, for learning from what people say of it."""
    model: Mapped[str]
    created_at: Mapped[datetime]
    judged: Mapped[str | None]
    judged_by: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    judged_at: Mapped[datetime | None]


class LearnedModel(Base):
    """A model of pairs trained on people's judgements; used from when a person switches it on."""

    __tablename__ = "learned_model"

    version: Mapped[str] = mapped_column(primary_key=True)
    trained_at: Mapped[datetime]
    facts: Mapped[Facts]
    """As `model.PairModel` reads it."""
    figures: Mapped[Facts]
    """On kept-out judgements, beside those of the model before it."""
    used_since: Mapped[datetime | None]
    """The one switched on last is used; none: the shipped one."""


class TriageCosts(Base):
    """What mistakes about duplicates cost in an area, in any unit; thresholds follow from them."""

    __tablename__ = "triage_costs"

    area_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("area.id"), primary_key=True)
    missed: Mapped[float]
    """A duplicate that nobody was shown."""
    interrupted: Mapped[float]
    """The desk looks at two reports that are not one matter."""
    wrong_merge: Mapped[float]
    """The system joined what is not one matter."""


class SectorProposal(Identified, Base):
    """The likeliest sectors of a report, with probabilities and reasons."""

    __tablename__ = "sector_proposal"

    report_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("report.id"), unique=True)
    ranked: Mapped[list[Facts]]
    """[{sector_no, p, reasons}], best first, at most three."""
    decided: Mapped[bool]
    """Sure enough to stand without a person's choice."""
    model: Mapped[str]
    created_at: Mapped[datetime]
    confirmed_no: Mapped[int | None] = mapped_column(sa.ForeignKey("sector.no"))
    """The sector that a person gave the matter, as proposed or not; what learning starts from."""
    confirmed_at: Mapped[datetime | None]


class SectorModel(Identified, Base):
    """What confirmed reports taught; used from the moment when a person switches it on."""

    __tablename__ = "sector_model"

    number: Mapped[int] = mapped_column(unique=True)
    made_at: Mapped[datetime]
    figures: Mapped[Facts]
    """On reports kept out of the training (`sector_learning.Figures`)."""
    content: Mapped[bytes]
    """`sector_rules.Learned`, packed."""
    used_at: Mapped[datetime | None]
    """When it was switched on; None: not in use. At most one is."""
