"""Which unit is responsible, and by which rule."""

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from server.core.db import Base, Facts, Identified


class RoutingProposal(Identified, Base):
    """The unit proposed for a report, the named rule that chose it, and why."""

    __tablename__ = "routing_proposal"

    report_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("report.id"), unique=True)
    unit_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("unit.id"))
    enforcement_unit_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("unit.id"))
    """Who may punish, where the proposed unit may not (DOMAIN.md §1)."""
    rule: Mapped[str]
    rule_set: Mapped[int | None]
    """Number and place of the county's own rule, where it was one."""
    rule_position: Mapped[int | None]
    rule_name: Mapped[str | None]
    reasons: Mapped[list[Facts]]
    created_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    """When a person gave the matter to a unit; only its return lets a machine change this row again."""
    decided_unit_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("unit.id"))


class RuleSet(Identified, Base):
    """A version of the county's own rules. Rows never change: a change is a new set."""

    __tablename__ = "rule_set"
    __table_args__ = (
        sa.Index(
            "uq_rule_set_in_use",
            sa.text("(true)"),
            unique=True,
            postgresql_where=sa.text("used_from IS NOT NULL AND used_until IS NULL"),
        ),
    )

    number: Mapped[int] = mapped_column(unique=True)
    note: Mapped[str]
    made_at: Mapped[datetime]
    used_from: Mapped[datetime | None]
    """Switched on by a person; at most one set has this without `used_until`."""
    used_until: Mapped[datetime | None]
    used_by: Mapped[str | None]


class RoutingRule(Base):
    """A row of a set: area × sector × hazard type × enterprise (None: any) → unit (None: the town of the place)."""

    __tablename__ = "routing_rule"

    set_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("rule_set.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    area_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("area.id"))
    sector_no: Mapped[int | None] = mapped_column(sa.ForeignKey("sector.no"))
    hazard_type: Mapped[str | None] = mapped_column(sa.ForeignKey("hazard_type.code"))
    enterprise_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("enterprise.id"))
    unit_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("unit.id"))
    """牵头单位"""
    responsible: Mapped[list[str]]
    """责任单位: ids of units."""
    enforcement_unit_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("unit.id"))


class UnitReturn(Identified, Base):
    """退回: a unit said that this is not its own, and why; evidence for the next proposal."""

    __tablename__ = "unit_return"

    report_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("report.id"), index=True)
    unit_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("unit.id"))
    reason: Mapped[str]
    returned_at: Mapped[datetime] = mapped_column(index=True)
