"""One file per enterprise 一企一档."""

import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from server.core.db import Base, Identified


class Enterprise(Identified, Base):
    """企业: whoever may be inspected or complained about."""

    __tablename__ = "enterprise"
    __table_args__ = (
        sa.CheckConstraint("risk IN ('red', 'orange', 'yellow', 'blue')", name="risk"),
        sa.Index("ix_enterprise_lat_lng", "lat", "lng"),
    )

    uscc: Mapped[str | None] = mapped_column(unique=True)
    """统一社会信用代码 GB 32100; may be wrong in the register, so never enforced."""
    name: Mapped[str]
    short_name: Mapped[str | None]
    area_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("area.id"), index=True)
    address: Mapped[str]
    lat: Mapped[float | None]
    lng: Mapped[float | None]
    """WGS-84."""
    sector_no: Mapped[int]
    risk: Mapped[str]
    contact_name: Mapped[str | None]
    contact_phone: Mapped[str | None]
    active: Mapped[bool] = mapped_column(default=True)
