"""The declarative base of all rooms and the one Flask-SQLAlchemy instance."""

import select
import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry

from server.core.ids import new_id

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

Facts = dict[str, Any]
"""A JSON object as stored in a JSONB column."""


class Base(DeclarativeBase):
    """All tables of `server/`; plain SQLAlchemy, so that mypy --strict can follow it."""

    registry = registry(
        metadata=sa.MetaData(naming_convention=NAMING),
        type_annotation_map={
            datetime: sa.DateTime(timezone=True),
            uuid.UUID: sa.Uuid(),
            str: sa.Text(),
            Facts: JSONB(),
            list[Facts]: JSONB(),
            list[str]: JSONB(),
        },
    )


class Identified:
    """A row with a UUIDv7 key."""

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)


class Timeless:
    """A row with a random key: units see it, and a UUIDv7 would tell them the moment a reporter sent (DOMAIN.md §5)."""

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)


db = SQLAlchemy(model_class=Base, disable_autonaming=True)


def look_before_use(engine: sa.Engine) -> None:
    """Leave connections that PostgreSQL has closed, as after its restart: a look at the socket, not a question."""

    @sa.event.listens_for(engine, "checkout")
    def look(connection: Any, _record: object, _proxy: object) -> None:
        at_hand = select.poll()
        at_hand.register(connection.fileno(), select.POLLIN)
        if at_hand.poll(0):  # an idle one has nothing to say but its end
            raise sa.exc.InvalidatePoolError
