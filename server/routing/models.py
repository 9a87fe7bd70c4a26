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
    rule: Mapped[str]
    reasons: Mapped[list[Facts]]
    created_at: Mapped[datetime]
