"""The register of enterprises, as far as somebody may see it; what is mended in it, and what phones hear of it."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.audit.services import record
from server.core.clock import Clock
from server.core.db import Facts
from server.core.errors import Conflict, NotFound
from server.enterprises.models import Enterprise, EnterpriseConflict, EnterpriseEdit
from server.enterprises.rules import (
    BY_AREA,
    BY_UNIT,
    DECIDERS,
    EDITABLE,
    EDITORS,
    METRES_PER_DEGREE,
    Edit,
    area_paths,
    merge,
    words_of,
)
from server.enterprises.schemas import EnterpriseLineSchema
from server.identity.models import Area, Person, Unit
from server.identity.rules import Actor
from sync import changes

TOPIC = "enterprise"


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


@dataclass(frozen=True)
class OpenConflict:
    """A field with two values, as the person reads it who chooses."""

    id: uuid.UUID
    enterprise_id: uuid.UUID
    enterprise: str
    field: str
    reason: str
    was: Any
    held: Any
    wanted: Any
    sender: str | None
    received_at: datetime


def line_of(enterprise: Enterprise, area: Area) -> Facts:
    """The enterprise as phones keep it."""
    line: Facts = EnterpriseLineSchema().dump(enterprise)
    return line | {"area_name": area.name}


def tell_phones(session: Session, told: Sequence[Enterprise]) -> None:
    """Tell these enterprises to who follows their areas, and to who has them on the phone for a visit."""
    areas = {area.id: area for area in session.scalars(sa.select(Area))}
    ids = {area.path: area.id for area in areas.values()}
    held: dict[str, set[str]] = defaultdict(set)
    for stream, key in changes.streams_of(session, TOPIC, [str(one.id) for one in told]):
        held[key].add(stream)
    lines = []
    for enterprise in told:
        key, area = str(enterprise.id), areas[enterprise.area_id]
        streams = {f"area:{ids[path]}" for path in area_paths(area.path) if path in ids}
        for stream in held[key] - streams:
            if stream.startswith("area:"):  # it has moved
                changes.withdraw(session, stream, TOPIC, key)
            else:
                streams.add(stream)
        lines += [(stream, key, line_of(enterprise, area)) for stream in sorted(streams)]
    changes.publish_many(session, TOPIC, lines)


def apply_edit(
    session: Session, clock: Clock, actor: Actor, submission_id: uuid.UUID, received_at: datetime, edit: Edit
) -> None:
    """Merge what somebody mended in the field into the file; what others changed meanwhile a person decides.

    Doing it again changes nothing.
    """
    if session.get(EnterpriseEdit, submission_id) is not None:
        return
    enterprise = None
    if edit.enterprise_id is not None:
        enterprise = session.get(Enterprise, edit.enterprise_id, with_for_update=True)
    if enterprise is None:
        record(session, clock, actor, "enterprise.edit_without_enterprise", "submission", submission_id)
        return
    path = session.get_one(Area, enterprise.area_id).path
    theirs = any(actor.may(role, path) for role in EDITORS)
    held = _values(enterprise)
    merged = merge(held, edit.fields)
    changed = merged.changes if theirs else {}
    conflicts = [
        field for field in edit.fields if field.name not in changed and field.name not in merged.same
    ]
    outcomes = dict.fromkeys(changed, "applied") | dict.fromkeys(merged.same, "same")
    session.add(
        EnterpriseEdit(
            submission_id=submission_id,
            enterprise_id=enterprise.id,
            person_id=actor.person_id,
            received_at=received_at,
            seen_version=edit.seen_version,
            fields=[vars(one) | {"outcome": outcomes.get(one.name, "conflict")} for one in edit.fields]
            + [{"name": name, "outcome": "unreadable"} for name in edit.unreadable],
        )
    )
    session.flush()
    for one in conflicts:
        session.add(
            EnterpriseConflict(
                submission_id=submission_id,
                enterprise_id=enterprise.id,
                field=one.name,
                reason="changed" if theirs else "elsewhere",
                values={"was": one.was, "held": held[one.name], "wanted": one.now},
            )
        )
    _change(session, clock, actor, enterprise, changed, conflicts=[one.name for one in conflicts])


def open_conflicts(session: Session, actor: Actor) -> list[OpenConflict]:
    """The fields with two values for which the actor may choose, oldest first."""
    found = session.execute(
        sa.select(EnterpriseConflict, EnterpriseEdit.received_at, Enterprise, Area.path, Person.name)
        .join(EnterpriseEdit, EnterpriseEdit.submission_id == EnterpriseConflict.submission_id)
        .join(Enterprise, Enterprise.id == EnterpriseConflict.enterprise_id)
        .join(Area, Area.id == Enterprise.area_id)
        .outerjoin(Person, Person.id == EnterpriseEdit.person_id)
        .where(EnterpriseConflict.decided_at.is_(None))
        .order_by(EnterpriseConflict.id)
    )
    return [
        OpenConflict(
            id=conflict.id,
            enterprise_id=enterprise.id,
            enterprise=enterprise.name,
            field=conflict.field,
            reason=conflict.reason,
            was=conflict.values["was"],
            held=_values(enterprise)[conflict.field],
            wanted=conflict.values["wanted"],
            sender=sender,
            received_at=received_at,
        )
        for conflict, received_at, enterprise, path, sender in found
        if _decides(actor, path)
    ]


def decide(session: Session, clock: Clock, actor: Actor, conflict_id: uuid.UUID, take: bool) -> None:
    """Choose one of two values; the other stays in the conflict and in the audit. Raises NotFound, Conflict."""
    conflict = session.get(EnterpriseConflict, conflict_id, with_for_update=True)
    if conflict is None:
        raise NotFound
    enterprise = session.get_one(Enterprise, conflict.enterprise_id, with_for_update=True)
    if not _decides(actor, session.get_one(Area, enterprise.area_id).path):
        raise NotFound
    if conflict.decided_at is not None:
        raise Conflict("conflict.decided", "Somebody has decided this already; look again.")
    conflict.taken, conflict.decided_at, conflict.decided_by = take, clock.now(), actor.person_id
    wanted = {conflict.field: conflict.values["wanted"]} if take else {}
    _change(session, clock, actor, enterprise, wanted, conflict=str(conflict.id), taken=take)


def _decides(actor: Actor, path: str) -> bool:
    return any(actor.may(role, path) for role in DECIDERS)


def _values(enterprise: Enterprise) -> Facts:
    """What may be mended, as it is."""
    place = None if enterprise.lat is None else {"lat": enterprise.lat, "lng": enterprise.lng}
    return {name: getattr(enterprise, name) for name in EDITABLE if name != "place"} | {"place": place}


def _change(
    session: Session, clock: Clock, actor: Actor, enterprise: Enterprise, changed: Facts, **facts: Any
) -> None:
    """Write new values with their history, and tell phones."""
    before = _values(enterprise)
    for name, value in changed.items():
        if name == "place":
            enterprise.lat, enterprise.lng = (value["lat"], value["lng"]) if value else (None, None)
        else:
            setattr(enterprise, name, value)
    if changed:
        enterprise.version += 1
        session.flush()
        tell_phones(session, [enterprise])
    history = {name: [before[name], value] for name, value in changed.items()}
    record(session, clock, actor, "enterprise.edit", TOPIC, enterprise.id, changed=history, **facts)


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
