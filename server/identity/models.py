"""People, units and the tree of areas."""

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from server.core.db import Base, Facts, Identified
from server.identity.rules import Role


class Area(Identified, Base):
    """区域: county, township, village or grid 网格; `path` is the codes from the root, joined by '/'."""

    __tablename__ = "area"
    __table_args__ = (
        sa.CheckConstraint("kind IN ('county', 'town', 'village', 'grid')", name="kind"),
        sa.Index("ix_area_path", "path", postgresql_ops={"path": "text_pattern_ops"}),
        sa.Index(
            "ix_area_box",
            sa.text("box(point(min_lng, min_lat), point(max_lng, max_lat))"),
            postgresql_using="gist",
        ),
    )

    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    kind: Mapped[str]
    parent_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("area.id"))
    path: Mapped[str]
    polygon: Mapped[Facts | None]
    """GeoJSON geometry in WGS-84, Polygon or MultiPolygon."""
    min_lng: Mapped[float | None]
    min_lat: Mapped[float | None]
    max_lng: Mapped[float | None]
    max_lat: Mapped[float | None]
    invented: Mapped[bool] = mapped_column(default=False)
    """The polygon is made up for the demo county."""


class Unit(Identified, Base):
    """单位: a department or a town that answers for matters."""

    __tablename__ = "unit"

    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(unique=True)
    area_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("area.id"))
    is_town: Mapped[bool] = mapped_column(default=False)
    is_coordinating: Mapped[bool] = mapped_column(default=False)
    """The office that takes what belongs to nobody (安委办)."""
    enforces: Mapped[bool] = mapped_column(default=True)
    """May punish; an airport or a grid company may not (DOMAIN.md §1)."""


class Person(Identified, Base):
    """Somebody with an account."""

    __tablename__ = "person"

    login: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    phone: Mapped[str | None]
    email: Mapped[str | None]
    """Where notices go besides the inbox, where mail is set up."""
    password_hash: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)
    sessions_valid_from: Mapped[datetime | None]
    """Tokens issued before are void: sign-out everywhere. None: never happened."""


class RoleGrant(Identified, Base):
    """A role of a person, within an area or a unit."""

    __tablename__ = "role_grant"
    __table_args__ = (
        sa.UniqueConstraint("person_id", "role", "area_id", "unit_id", postgresql_nulls_not_distinct=True),
    )

    person_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("person.id", ondelete="CASCADE"))
    role: Mapped[Role] = mapped_column(
        sa.Enum(Role, native_enum=False, length=20, values_callable=lambda roles: [r.value for r in roles])
    )
    area_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("area.id"))
    unit_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("unit.id"))


class RefreshToken(Base):
    """One link in a family of rotating refresh tokens; a family is one sign-in on one device."""

    __tablename__ = "refresh_token"

    jti: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    family: Mapped[uuid.UUID] = mapped_column(index=True)
    person_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("person.id", ondelete="CASCADE"), index=True)
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    replaced_at: Mapped[datetime | None]
    """When its successor was issued; it still works for ten minutes, for a lost answer."""
    ended_at: Mapped[datetime | None]
    """The family was ended: sign-out, or reuse after the ten minutes."""
