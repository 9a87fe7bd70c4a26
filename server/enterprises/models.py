"""One file per enterprise 一企一档."""

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from server.core.db import Base, Facts, Identified


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
    version: Mapped[int] = mapped_column(server_default=sa.text("1"))
    """Grows with each change; what somebody saw when they changed it."""


class EnterpriseEdit(Base):
    """更正: what somebody mended in an enterprise's file on the spot; kept as it came, its key is the submission's."""

    __tablename__ = "enterprise_edit"

    submission_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    enterprise_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("enterprise.id"), index=True)
    person_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    received_at: Mapped[datetime]
    seen_version: Mapped[int | None]
    fields: Mapped[list[Facts]]
    """[{name, was, now, outcome: applied | same | conflict | unreadable}]"""


class EnterpriseConflict(Identified, Base):
    """A field for which there are two values; a person chooses, and both are kept."""

    __tablename__ = "enterprise_conflict"
    __table_args__ = (
        sa.CheckConstraint("reason IN ('changed', 'elsewhere')", name="reason"),
        sa.CheckConstraint("(decided_at IS NULL) = (taken IS NULL)", name="decided"),
        sa.Index(
            "ix_enterprise_conflict_open", "enterprise_id", postgresql_where=sa.text("decided_at IS NULL")
        ),
    )

    submission_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("enterprise_edit.submission_id"))
    enterprise_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("enterprise.id"))
    field: Mapped[str]
    reason: Mapped[str]
    """changed: by somebody else meanwhile; elsewhere: the enterprise is not in the sender's areas."""
    values: Mapped[Facts]
    """{was, held, wanted}: what the sender saw, what the file said, what the sender wants it to say."""
    taken: Mapped[bool | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("person.id"))
