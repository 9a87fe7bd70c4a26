"""People and their sessions, units, and the tree of areas."""

import unicodedata
import uuid
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from server.audit.services import record
from server.core.clock import Clock
from server.core.ids import new_id
from server.identity import passwords
from server.identity.models import Area, Person, RefreshToken, RoleGrant, Unit
from server.identity.rules import (
    REFRESH_LASTS,
    Actor,
    AreaShape,
    Grant,
    PlaceRule,
    Refresh,
    Role,
    judge_refresh,
    smallest_area,
)

# ---- areas and units


@dataclass(frozen=True)
class AreaHit:
    """The smallest area that holds a point, and the named rule that chose it."""

    area: Area
    rule: PlaceRule


def areas(session: Session) -> list[Area]:
    """All areas, each after its parent."""
    return list(session.scalars(sa.select(Area).order_by(Area.path)))


def units(session: Session) -> list[Unit]:
    """All units by code."""
    return list(session.scalars(sa.select(Unit).order_by(Unit.code)))


def area_at(session: Session, lat: float, lng: float) -> AreaHit | None:
    """The smallest area whose polygon holds the point (WGS-84, degrees); None outside of all of them."""
    import shapely  # here, as web processes place nothing and are the smaller by NumPy

    point = sa.func.point(lng, lat)
    box = sa.func.box(sa.func.point(Area.min_lng, Area.min_lat), sa.func.point(Area.max_lng, Area.max_lat))
    statement = sa.select(Area).where(box.op("@>")(sa.func.box(point, point)), Area.polygon.is_not(None))
    near = {area.code: area for area in session.scalars(statement)}
    shapes = [AreaShape(a.code, a.path, shapely.geometry.shape(a.polygon)) for a in near.values()]
    hit = smallest_area(lat, lng, shapes)
    return AreaHit(near[hit[0]], hit[1]) if hit else None


# ---- people


@dataclass(frozen=True)
class GrantFacts:
    """A role and the names of where it holds; all None is the whole county."""

    role: Role
    area_code: str | None
    area_name: str | None
    unit_id: uuid.UUID | None
    unit_name: str | None


@dataclass(frozen=True)
class PersonFacts:
    """A person as told to the web apps."""

    id: uuid.UUID
    login: str
    name: str
    grants: list[GrantFacts] = field(default_factory=list)


def tidy_login(login: str) -> str:
    """One spelling per login: half width, lower case, without spaces around."""
    return unicodedata.normalize("NFKC", login).strip().lower()


def facts_of(session: Session, person: Person) -> PersonFacts:
    """The person with the roles they hold now."""
    rows = session.execute(
        sa.select(RoleGrant.role, Area.code, Area.name, Unit.id, Unit.name)
        .outerjoin(Area, Area.id == RoleGrant.area_id)
        .outerjoin(Unit, Unit.id == RoleGrant.unit_id)
        .where(RoleGrant.person_id == person.id)
        .order_by(RoleGrant.role, Area.path, Unit.code)
    )
    return PersonFacts(person.id, person.login, person.name, [GrantFacts(*row) for row in rows])


def actor_of(session: Session, person_id: uuid.UUID) -> Actor | None:
    """The person as an actor with the roles they hold now; None when unknown or no longer active."""
    person = session.get(Person, person_id)
    if person is None or not person.active:
        return None
    rows = session.execute(
        sa.select(RoleGrant.role, Area.path, RoleGrant.unit_id)
        .outerjoin(Area, Area.id == RoleGrant.area_id)
        .where(RoleGrant.person_id == person_id)
    )
    return Actor(person.id, person.name, tuple(Grant(*row) for row in rows))


def holders(
    session: Session, role: Role, area_path: str | None, unit_id: uuid.UUID | None
) -> list[uuid.UUID]:
    """The active people who hold the role for a thing in this area that lies with this unit (Grant.covers)."""
    inside = sa.false() if area_path is None else sa.func.starts_with(area_path + "/", Area.path + "/")
    statement = (
        sa.select(RoleGrant.person_id)
        .join(Person, Person.id == RoleGrant.person_id)
        .outerjoin(Area, Area.id == RoleGrant.area_id)
        .where(Person.active, RoleGrant.role == role, sa.or_(Area.path.is_(None), inside))
        .where(sa.or_(RoleGrant.unit_id.is_(None), RoleGrant.unit_id == unit_id))
    )
    return list(session.scalars(statement.distinct().order_by(RoleGrant.person_id)))


# ---- sessions


def check_password(session: Session, login: str, password: str) -> Person | None:
    """The active person whom login and password fit, else None after the same time."""
    person = session.scalar(sa.select(Person).where(Person.login == login))
    if not passwords.verify(person.password_hash if person else None, password):
        return None
    if person is None or not person.active:
        return None
    if passwords.outdated(person.password_hash):
        person.password_hash = passwords.hash_password(password)
    return person


def begin_session(session: Session, clock: Clock, person: Person) -> RefreshToken:
    """A new family of refresh tokens for one device; forgets what ran out of this person's earlier ones."""
    session.execute(
        sa.delete(RefreshToken).where(
            RefreshToken.person_id == person.id, RefreshToken.expires_at <= clock.now()
        )
    )
    token = _issue(session, clock, person.id, family=new_id())
    record(session, clock, Actor(person.id, person.name, ()), "session.begin", "person", person.id)
    return token


def rotate(session: Session, clock: Clock, jti: uuid.UUID) -> RefreshToken | None:
    """The successor of a refresh token; None when it is void.

    A token that was replaced more than ten minutes ago is in two hands: its family ends (so commit).
    """
    token = session.get(RefreshToken, jti)
    if token is None:
        return None
    # The person's row is the lock for all of their sessions: two tabs that refresh at once go one by one.
    person = session.get_one(Person, token.person_id, with_for_update={"key_share": True})
    if not person.active:
        return None
    session.refresh(token)
    verdict = judge_refresh(clock.now(), token.expires_at, token.replaced_at, token.ended_at)
    if verdict is Refresh.WORKS:
        _in_family(session, token.family, RefreshToken.replaced_at, clock)
        return _issue(session, clock, person.id, token.family)
    if verdict is Refresh.REUSED:
        end_family(session, clock, token.family)
        actor = Actor(person.id, person.name, ())
        record(session, clock, actor, "session.reused", "person", person.id, family=str(token.family))
    return None


def end_family(session: Session, clock: Clock, family: uuid.UUID) -> None:
    """Sign out one device; nothing happens when it is already."""
    _in_family(session, family, RefreshToken.ended_at, clock)


def end_all_sessions(session: Session, clock: Clock, person: Person) -> None:
    """Sign out everywhere: every refresh token ends, every access token issued before now is void."""
    person.sessions_valid_from = clock.now()
    session.flush()  # locks the person's row: a refresh under way ends first, and its token is then ended too
    session.execute(
        sa.update(RefreshToken)
        .where(RefreshToken.person_id == person.id, RefreshToken.ended_at.is_(None))
        .values(ended_at=clock.now())
    )


def deactivate(session: Session, clock: Clock, person: Person) -> None:
    """Nobody signs in to this account any more, and who is signed in is out at once."""
    person.active = False
    end_all_sessions(session, clock, person)


def session_lives(session: Session, person_id: uuid.UUID, family: uuid.UUID, issued: datetime) -> bool:
    """Whether an access token of this family and time still counts: checked on each request."""
    statement = sa.select(Person.id).where(
        Person.id == person_id,
        Person.active,
        sa.or_(Person.sessions_valid_from.is_(None), Person.sessions_valid_from <= issued),
        sa.exists().where(
            RefreshToken.family == family,
            RefreshToken.person_id == person_id,
            RefreshToken.ended_at.is_(None),
        ),
    )
    return session.scalar(statement) is not None


def _issue(session: Session, clock: Clock, person_id: uuid.UUID, family: uuid.UUID) -> RefreshToken:
    now = clock.now()
    token = RefreshToken(
        jti=uuid.uuid4(), family=family, person_id=person_id, issued_at=now, expires_at=now + REFRESH_LASTS
    )
    session.add(token)
    session.flush()
    return token


def _in_family(
    session: Session, family: uuid.UUID, mark: InstrumentedAttribute[datetime | None], clock: Clock
) -> None:
    """Set a time on every token of the family that does not have it yet."""
    session.execute(
        sa.update(RefreshToken)
        .where(RefreshToken.family == family, mark.is_(None))
        .values({mark: clock.now()})
    )
