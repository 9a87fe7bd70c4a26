"""The register of enterprises, as far as somebody may see it."""

import uuid
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.core.errors import NotFound
from server.enterprises.models import Enterprise
from server.enterprises.rules import BY_AREA, BY_UNIT, METRES_PER_DEGREE, words_of
from server.identity.models import Area, Unit
from server.identity.rules import Actor


@dataclass(frozen=True)
class EnterpriseFacts:
    """An enterprise, where it lies, and how far it is from the point that was asked about (metres)."""

    enterprise: Enterprise
    area: Area
    distance_m: float | None = None


def search(
    session: Session,
    actor: Actor,
    words: str = "",
    area_code: str | None = None,
    near: tuple[float, float] | None = None,
    limit: int = 20,
) -> list[EnterpriseFacts]:
    """Active enterprises that the actor may see whose name, short name, code or address holds every word.

    `area_code`: in this area and all below it. `near` (lat, lng, WGS-84): the nearest first, else by name.
    """
    distance = _distance_m(*near) if near else sa.null()
    statement = _visible(session, actor).add_columns(distance).where(Enterprise.active).limit(limit)
    for word in words_of(words):
        fields = (Enterprise.name, Enterprise.short_name, Enterprise.uscc, Enterprise.address)
        statement = statement.where(sa.or_(*(f.icontains(word, autoescape=True) for f in fields)))
    if area_code is not None:
        path = session.scalar(sa.select(Area.path).where(Area.code == area_code))
        statement = statement.where(_below(path)) if path else statement.where(sa.false())
    if near:
        statement = statement.where(Enterprise.lat.is_not(None)).order_by(distance, Enterprise.id)
    else:
        starts = Enterprise.name.istartswith(words, autoescape=True)
        statement = statement.order_by(starts.desc(), Enterprise.name, Enterprise.id)
    return [EnterpriseFacts(*row) for row in session.execute(statement)]


def dossier(session: Session, actor: Actor, enterprise_id: uuid.UUID) -> EnterpriseFacts:
    """One enterprise's file; NotFound when there is none or it is not for the actor."""
    row = session.execute(_visible(session, actor).where(Enterprise.id == enterprise_id)).one_or_none()
    if row is None:
        raise NotFound
    return EnterpriseFacts(*row)


def _visible(session: Session, actor: Actor) -> sa.Select[Enterprise, Area]:
    """Enterprises with their areas, within what the actor's roles cover."""
    statement = sa.select(Enterprise, Area).join(Area, Area.id == Enterprise.area_id)
    mine = [grant for grant in actor.grants if grant.role in BY_AREA and grant.unit_id is None]
    if any(grant.area_path is None for grant in mine):
        return statement
    paths = {grant.area_path for grant in mine if grant.area_path}
    unit_ids = {grant.unit_id for grant in actor.grants if grant.role in BY_UNIT and grant.unit_id}
    towns = (
        sa.select(Area.path).join(Unit, Unit.area_id == Area.id).where(Unit.is_town, Unit.id.in_(unit_ids))
    )
    paths |= set(session.scalars(towns))
    return statement.where(sa.or_(sa.false(), *(_below(path) for path in sorted(paths))))


def _below(path: str) -> sa.ColumnElement[bool]:
    return sa.or_(Area.path == path, Area.path.startswith(path + "/", autoescape=True))


def _distance_m(lat: float, lng: float) -> sa.ColumnElement[float]:
    """Metres on a plane that touches the earth at the point: right to a metre within a county."""
    north = (Enterprise.lat - lat) * METRES_PER_DEGREE
    east = (Enterprise.lng - lng) * METRES_PER_DEGREE * sa.func.cos(sa.func.radians(lat))
    return sa.func.sqrt(north * north + east * east)
