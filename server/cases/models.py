"""The matter that a unit handles, its reports, its history and its clocks."""

import uuid
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from server.core.db import Base, Facts, Identified, Timeless


class Case(Timeless, Base):
    """案件: one matter. `version` counts its changes and is its ETag."""

    __tablename__ = "case"
    __table_args__ = (
        sa.CheckConstraint("kind IN ('tip', 'hazard')", name="kind"),
        sa.CheckConstraint("risk IN ('red', 'orange', 'yellow', 'blue')", name="risk"),
        sa.Index("ix_case_state_received", "state", "first_received_at"),
        sa.Index("ix_case_unit_state", "unit_id", "state"),
        sa.Index(
            "ix_case_merged_into", "merged_into_id", postgresql_where=sa.text("merged_into_id IS NOT NULL")
        ),
    )

    number: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str]
    version: Mapped[int] = mapped_column(default=1)
    kind: Mapped[str]
    title: Mapped[str] = mapped_column(default="")
    matter: Mapped[str] = mapped_column(default="")
    """The matter restated by the desk: all that the unit reads of what the reporter wrote (DOMAIN.md §5)."""
    area_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("area.id"))
    enterprise_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("enterprise.id"), index=True)
    sector_no: Mapped[int | None] = mapped_column(sa.ForeignKey("sector.no"))
    unit_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("unit.id"))
    """Where the case lies, from acceptance until it comes back; never set by a machine."""
    sides: Mapped[list[str]] = mapped_column(ARRAY(sa.Text()), default=list, server_default="{}")
    """What is open beside the state (rules.Side)."""
    took: Mapped[Facts] = mapped_column(default=dict, server_default="{}")
    """Step → who took it last; null for the system and the reporter."""
    risk: Mapped[str | None]
    urgent: Mapped[bool] = mapped_column(default=False)
    unsatisfied: Mapped[bool] = mapped_column(default=False)
    finding: Mapped[str | None]
    reply: Mapped[str | None]
    reward: Mapped[str | None]
    """Whether the reply says that the report qualifies (rules.Reward)."""
    replied_at: Mapped[datetime | None]
    first_received_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    merged_into_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("case.id"))


class CaseReport(Base):
    """A report joined to a case; leaving it is kept too, so that a merge can be undone.

    A report that tells of several matters is in several cases: in one that answers the reporter, in the others as a
    `part`.
    """

    __tablename__ = "case_report"
    __table_args__ = (
        sa.Index(
            "uq_case_report_current",
            "report_id",
            unique=True,
            postgresql_where=sa.text("left_at IS NULL AND NOT part"),
        ),
    )

    case_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("case.id"), primary_key=True)
    report_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("report.id"), primary_key=True, index=True)
    joined_at: Mapped[datetime] = mapped_column(primary_key=True)
    left_at: Mapped[datetime | None]
    part: Mapped[bool] = mapped_column(default=False, server_default=sa.false())


class CaseEvent(Identified, Base):
    """One step in the life of a case: 来源可查、去向可追、责任可究."""

    __tablename__ = "case_event"
    __table_args__ = (sa.Index("ix_case_event_case_at", "case_id", "at"),)

    case_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("case.id"))
    at: Mapped[datetime]
    actor_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    actor_name: Mapped[str]
    step: Mapped[str]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    fields: Mapped[Facts] = mapped_column(default=dict)
    submission_id: Mapped[uuid.UUID | None] = mapped_column(unique=True)
    """The phone's submission that brought this step, with its photos."""
    late: Mapped[bool] = mapped_column(default=False)
    """Arrived when it was no longer allowed: kept for a person to see, without effect."""


class CaseClock(Identified, Base):
    """A deadline of a case (DOMAIN.md §3); it runs until `ended_at`."""

    __tablename__ = "case_clock"
    __table_args__ = (
        sa.Index("ix_case_clock_case", "case_id"),
        sa.Index("ix_case_clock_next", "next_at", postgresql_where=sa.text("ended_at IS NULL")),
        sa.Index(
            "ix_case_clock_waits",
            "started_at",
            postgresql_where=sa.text("ended_at IS NULL AND due_at IS NULL"),
        ),
    )

    case_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("case.id"))
    name: Mapped[str]
    started_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    """None while the calendar does not know the year; set from the true beginning once it does."""
    ended_at: Mapped[datetime | None]
    rule: Mapped[Facts] = mapped_column(default=dict, server_default="{}")
    """The rule it started with (ClockRule.facts); later changes of the table do not move it."""
    paused_at: Mapped[datetime | None]
    extended: Mapped[int] = mapped_column(default=0, server_default="0")
    """How often it was extended."""
    next_at: Mapped[datetime | None]
    """When the sweep has something to say about it; None: nothing more, or it stands still."""


class ClockStage(Base):
    """What the sweep has said about a clock: each once for each end of the term that it had."""

    __tablename__ = "clock_stage"

    clock_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("case_clock.id"), primary_key=True)
    due_at: Mapped[datetime] = mapped_column(primary_key=True)
    stage: Mapped[str] = mapped_column(primary_key=True)
    """`warn`, or the role of the rung."""
    at: Mapped[datetime]
    told: Mapped[int]
    """How many people; 0: nobody holds the role, so the next rung was told in its place."""


class ClockRuleRow(Identified, Base):
    """A county's own rule for a term, for an area and matter, from a day on; None is any (clock_rules.Scope)."""

    __tablename__ = "clock_rule"
    __table_args__ = (
        sa.CheckConstraint("days IN ('hours', 'natural', 'working')", name="days"),
        sa.CheckConstraint("kind IN ('tip', 'hazard')", name="kind"),
        sa.Index("ix_clock_rule_term", "term"),
    )

    term: Mapped[str]
    area_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("area.id"))
    kind: Mapped[str | None]
    sector_no: Mapped[int | None] = mapped_column(sa.ForeignKey("sector.no"))
    hazard_type: Mapped[str | None]
    urgent: Mapped[bool | None]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    amount: Mapped[int]
    days: Mapped[str]
    warn_share: Mapped[float]
    climb_hours: Mapped[int]
    extend_amount: Mapped[int]
    extend_times: Mapped[int]
    extend_by: Mapped[str | None]
    pausable: Mapped[bool]
    source: Mapped[str]
