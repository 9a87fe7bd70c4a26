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
    reasons: Mapped[list[Facts]]
    created_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    """When a person gave the matter to a unit; only its return lets a machine change this row again."""
    decided_unit_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("unit.id"))


class UnitReturn(Identified, Base):
    """退回: a unit said that this is not its own, and why; evidence for the next proposal."""

    __tablename__ = "unit_return"

    report_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("report.id"), index=True)
    unit_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("unit.id"))
    reason: Mapped[str]
    returned_at: Mapped[datetime]
