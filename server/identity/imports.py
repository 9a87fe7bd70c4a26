"""Loading areas, units and people from tables (docs/import.md); on BadTable the caller rolls back."""

import json
import secrets
import uuid
from collections.abc import Callable, Container, Iterable, Sequence
from typing import Annotated, Any, Literal, Self

import shapely
import sqlalchemy as sa
from pydantic import BeforeValidator, Field, StringConstraints, field_validator, model_validator
from sqlalchemy.orm import Session

from server.audit.services import record
from server.core.clock import Clock
from server.core.ids import new_id
from server.core.tables import (
    Code,
    Columns,
    Fault,
    Name,
    Outcome,
    R,
    Row,
    Titles,
    YesNo,
    assign,
    listed,
    read_rows,
    refuse,
    repeated,
    translated,
)
from server.identity import passwords
from server.identity.models import Area, Person, RoleGrant, Unit
from server.identity.rules import OF_A_UNIT, SYSTEM, Role
from server.identity.services import areas, deactivate, end_all_sessions, tidy_login

KINDS = ("county", "town", "village", "grid")
"""From the largest to the smallest; a parent is of a larger kind, which also rules out circles."""
KIND_WORDS = {
    "县": "county",
    "乡镇": "town",
    "乡": "town",
    "镇": "town",
    "村": "village",
    "社区": "village",
    "网格": "grid",
}
ROLE_WORDS = {
    "网格员": Role.INSPECTOR,
    "网格长": Role.GRID_HEAD,
    "受理员": Role.DESK,
    "值班领导": Role.LEADER,
    "经办人": Role.HANDLER,
    "单位负责人": Role.UNIT_HEAD,
    "奖励经办人": Role.REWARD_OFFICER,
    "管理员": Role.ADMIN,
}
NEED_AREA = {Role.INSPECTOR, Role.GRID_HEAD}
BORDER_SLACK_DEG = 0.002
"""About 200 m: maps of different makers differ that much."""
READABLE = "abcdefghjkmnpqrstuvwxyz23456789"
"""For generated passwords: four times four of these are 79 bits."""

AreaCodeTitles = Titles("区域代码", "区域编码")


def _polygon(cell: object) -> object:
    """A valid shapely Polygon or MultiPolygon from WKT or GeoJSON."""
    if not isinstance(cell, str):
        return cell
    try:
        if cell.lstrip().startswith("{"):
            written = json.loads(cell)
            shape = shapely.geometry.shape(written.get("geometry", written))
        else:
            shape = shapely.from_wkt(cell)
        shape = shapely.force_2d(shape)
    except Exception as error:  # each reader throws its own
        raise ValueError("is neither WKT nor GeoJSON") from error
    if shape is None or shape.geom_type not in ("Polygon", "MultiPolygon") or shape.is_empty:
        raise ValueError("should be a Polygon or MultiPolygon")
    west, south, east, north = shape.bounds
    if not (west >= -180 and east <= 180 and south >= -90 and north <= 90):
        raise ValueError("leaves the earth: longitude comes first, then latitude, in degrees")
    if not shape.is_valid:
        raise ValueError(f"crosses itself or is not closed ({shapely.is_valid_reason(shape)})")
    return shape


class AreaColumns(Columns):
    """A row of the table of areas."""

    code: Annotated[Code, Titles("编码", "代码", "区域代码")]
    name: Annotated[Name, Titles("名称", "区域名称")]
    kind: Annotated[
        Literal["county", "town", "village", "grid"],
        BeforeValidator(translated(KIND_WORDS)),
        Titles("类型", "层级"),
    ]
    parent_code: Annotated[Code | None, Titles("上级编码", "上级代码")] = None
    polygon: Annotated[Any, BeforeValidator(_polygon), Titles("边界", "多边形")] = None
    invented: Annotated[YesNo, Titles("虚构")] = False

    @model_validator(mode="after")
    def _root(self) -> Self:
        if (self.kind == "county") != (self.parent_code is None):
            raise ValueError("only a county has no parent_code, and every other area needs one")
        return self


class UnitColumns(Columns):
    """A row of the table of units."""

    code: Annotated[Code, Titles("编码", "代码", "单位代码")]
    name: Annotated[Name, Titles("名称", "单位名称")]
    area_code: Annotated[Code | None, AreaCodeTitles] = None
    is_town: Annotated[YesNo, Titles("乡镇")] = False
    is_coordinating: Annotated[YesNo, Titles("综合协调")] = False
    enforces: Annotated[YesNo, Titles("执法权")] = True

    @model_validator(mode="after")
    def _town(self) -> Self:
        if self.is_town and self.area_code is None:
            raise ValueError("a town needs its area_code")
        return self


class PersonColumns(Columns):
    """A row of the table of people."""

    login: Annotated[
        str,
        BeforeValidator(lambda cell: tidy_login(cell) if isinstance(cell, str) else cell),
        StringConstraints(pattern=r"^[a-z0-9._-]{2,40}$"),
        Titles("账号", "登录名"),
    ]
    name: Annotated[Name, Titles("姓名")]
    phone: Annotated[str | None, StringConstraints(max_length=40), Titles("电话", "手机")] = None
    email: Annotated[
        str | None,
        StringConstraints(max_length=200, pattern=r"^[^@\s]+@[^@\s]+$"),
        Titles("邮箱", "电子邮箱"),
    ] = None
    roles: Annotated[
        tuple[Annotated[Role, BeforeValidator(translated(ROLE_WORDS))], ...],
        BeforeValidator(listed),
        Field(min_length=1),
        Titles("角色", "role"),
    ]
    area_code: Annotated[Code | None, AreaCodeTitles] = None
    unit_code: Annotated[Code | None, Titles("单位代码", "单位编码")] = None
    password: Annotated[
        str | None, StringConstraints(max_length=passwords.LONGEST), Titles("密码", "初始密码", secret=True)
    ] = None
    active: Annotated[YesNo, Titles("在职")] = True

    @field_validator("password")
    @classmethod
    def _long_enough(cls, password: str | None) -> str | None:
        if password is not None and len(password) < passwords.SHORTEST:
            raise ValueError(f"should have at least {passwords.SHORTEST} characters")
        return password

    @model_validator(mode="after")
    def _scope(self) -> Self:
        """A role without its scope would hold for the whole county."""
        alone = [role for role in self.roles if role in NEED_AREA and self.area_code is None]
        if alone:
            raise ValueError(f"{alone[0]} needs an area_code")
        if (not OF_A_UNIT.isdisjoint(self.roles)) != (self.unit_code is not None):
            raise ValueError("handler and unit_head need a unit_code, and no other role has one")
        return self

    @property
    def facts(self) -> tuple[str, str | None, str | None, str | None, bool]:
        """What all rows of one person must say alike."""
        return self.name, self.phone, self.email, self.password, self.active


# ---- areas


def import_areas(session: Session, data: bytes) -> Outcome:
    """Load the tree of areas; an empty polygon keeps the one that is stored."""
    rows, warnings = read_rows(data, AreaColumns)
    outcome = Outcome(warnings=warnings)
    stored = {area.code: area for area in areas(session)}
    refuse(repeated(rows, lambda row: row.code, "code"), _tree_faults(rows, stored))
    for row in sorted(rows, key=lambda row: KINDS.index(row.value.kind)):
        parent = stored.get(row.value.parent_code or "")
        if parent and _leaves(row.value.polygon, parent):
            outcome.warnings.append(
                row.fault(f"the polygon of {row.value.name} leaves that of {parent.name}")
            )
        new = row.value.code not in stored
        area = stored.setdefault(row.value.code, Area(id=new_id(), code=row.value.code, path=row.value.code))
        facts = row.value.model_dump(include={"name", "kind", "invented"})
        changed = assign(
            area, **facts, **_boundary(row.value.polygon), parent_id=parent.id if parent else None
        )
        outcome.count(new, changed)
        session.add(area)
        session.flush()  # parents before their children
    _write_paths(stored.values())
    session.flush()
    return outcome


def _tree_faults(rows: Sequence[Row[AreaColumns]], stored: dict[str, Area]) -> list[Fault]:
    kinds = {area.code: area.kind for area in stored.values()} | {r.value.code: r.value.kind for r in rows}
    in_file = {row.value.code: row for row in rows}
    faults = []
    for row in rows:
        parent = row.value.parent_code
        if parent is not None and parent not in kinds:
            faults.append(row.fault(f"parent_code {parent} is neither in the file nor stored"))
        elif parent is not None and not _larger(kinds[parent], row.value.kind):
            faults.append(row.fault(f"a {row.value.kind} cannot lie below a {kinds[parent]} ({parent})"))
    codes = {area.id: area.code for area in stored.values()}
    for area in stored.values():
        above = in_file.get(codes[area.parent_id]) if area.parent_id else None
        if above and area.code not in in_file and not _larger(above.value.kind, area.kind):
            faults.append(
                above.fault(f"the stored {area.kind} {area.code} lies below it: load both together")
            )
    return faults


def _larger(kind: str, than: str) -> bool:
    return KINDS.index(kind) < KINDS.index(than)


def _leaves(polygon: Any, parent: Area) -> bool:
    if polygon is None or parent.polygon is None:
        return False
    return not shapely.geometry.shape(parent.polygon).buffer(BORDER_SLACK_DEG).covers(polygon)


def _boundary(polygon: Any) -> dict[str, Any]:
    if polygon is None:
        return {}
    west, south, east, north = polygon.bounds
    written = json.loads(shapely.to_geojson(polygon))
    return {"polygon": written, "min_lng": west, "min_lat": south, "max_lng": east, "max_lat": north}


def _write_paths(tree: Iterable[Area]) -> None:
    """From the root down, because the children of one that moved move with it."""
    paths: dict[uuid.UUID | None, str] = {}
    for area in sorted(tree, key=lambda area: KINDS.index(area.kind)):
        above = paths.get(area.parent_id)
        paths[area.id] = f"{above}/{area.code}" if above else area.code
        assign(area, path=paths[area.id])


# ---- units


def import_units(session: Session, data: bytes) -> Outcome:
    """Load the units."""
    rows, warnings = read_rows(data, UnitColumns)
    outcome = Outcome(warnings=warnings)
    stored = {unit.code: unit for unit in session.scalars(sa.select(Unit))}
    area_ids = _ids_by_code(session, Area)
    others = [unit for unit in stored.values() if unit.code not in {row.value.code for row in rows}]
    area_codes = {area_id: code for code, area_id in area_ids.items()}
    refuse(
        repeated(rows, lambda row: row.code, "code"),
        _unknown(rows, lambda row: row.area_code, area_ids, "area_code"),
        _single(rows, lambda row: row.name, {unit.name for unit in others}, "the name"),
        _single(
            rows,
            lambda row: row.area_code if row.is_town else None,
            {area_codes[unit.area_id] for unit in others if unit.is_town and unit.area_id},
            "is_town for area",
        ),
        _single(
            rows,
            lambda row: "yes" if row.is_coordinating else None,
            {"yes" for unit in others if unit.is_coordinating},
            "is_coordinating",
        ),
    )
    for row in rows:
        new = row.value.code not in stored
        unit = stored.setdefault(row.value.code, Unit(code=row.value.code))
        facts = row.value.model_dump(exclude={"code", "area_code"})
        outcome.count(new, assign(unit, **facts, area_id=area_ids.get(row.value.area_code or "")))
        session.add(unit)
    session.flush()
    return outcome


# ---- people


def import_people(session: Session, clock: Clock, data: bytes) -> Outcome:
    """Load people with their roles; somebody with several scopes has several rows."""
    rows, warnings = read_rows(data, PersonColumns)
    outcome = Outcome(warnings=warnings)
    area_ids, unit_ids = _ids_by_code(session, Area), _ids_by_code(session, Unit)
    refuse(
        repeated(
            rows,
            lambda row: " ".join([row.login, *row.roles, row.area_code or "", row.unit_code or ""]),
            "row",
        ),
        _unknown(rows, lambda row: row.area_code, area_ids, "area_code"),
        _unknown(rows, lambda row: row.unit_code, unit_ids, "unit_code"),
        _contradictions(rows),
    )
    stored = {person.login: person for person in session.scalars(sa.select(Person))}
    for login in dict.fromkeys(row.value.login for row in rows):
        own = [row.value for row in rows if row.value.login == login]
        new = login not in stored
        person = stored.setdefault(login, Person(id=new_id(), login=login, active=True))
        session.add(person)
        changed = assign(person, name=own[0].name, phone=own[0].phone, email=own[0].email)
        changed |= _set_password(session, clock, person, own[0].password, outcome)
        session.flush()
        changed |= _set_grants(session, person, own, area_ids, unit_ids)
        changed |= _set_active(session, clock, person, own[0].active)
        outcome.count(new, changed)
        if new or changed:
            roles = sorted({role.value for row in own for role in row.roles})
            record(
                session,
                clock,
                SYSTEM,
                "person.import",
                "person",
                person.id,
                roles=roles,
                active=person.active,
            )
    session.flush()
    return outcome


def _contradictions(rows: Sequence[Row[PersonColumns]]) -> list[Fault]:
    first: dict[str, Row[PersonColumns]] = {}
    faults = []
    for row in rows:
        earlier = first.setdefault(row.value.login, row)
        if earlier.value.facts != row.value.facts:
            told = f"{row.value.login} is in line {earlier.line} with another name, phone, email, password or active"
            faults.append(row.fault(told))
    return faults


def _set_password(
    session: Session, clock: Clock, person: Person, password: str | None, outcome: Outcome
) -> bool:
    if person.password_hash is None:  # somebody new
        if password is None:
            password = "-".join("".join(secrets.choice(READABLE) for _ in range(4)) for _ in range(4))
            outcome.passwords.append((person.login, password))
        person.password_hash = passwords.hash_password(password)
        return True
    if password is None or passwords.verify(person.password_hash, password):
        return False
    person.password_hash = passwords.hash_password(password)
    end_all_sessions(session, clock, person)
    return True


def _set_grants(
    session: Session,
    person: Person,
    rows: Sequence[PersonColumns],
    area_ids: dict[str, uuid.UUID],
    unit_ids: dict[str, uuid.UUID],
) -> bool:
    """What somebody is in a unit holds for the unit, every other role for the area."""
    wanted = set()
    for row in rows:
        area_id, unit_id = area_ids.get(row.area_code or ""), unit_ids.get(row.unit_code or "")
        wanted |= {(r, None, unit_id) if r in OF_A_UNIT else (r, area_id, None) for r in row.roles}
    held = session.scalars(sa.select(RoleGrant).where(RoleGrant.person_id == person.id)).all()
    gone = [grant for grant in held if (grant.role, grant.area_id, grant.unit_id) not in wanted]
    missing = wanted - {(grant.role, grant.area_id, grant.unit_id) for grant in held}
    for grant in gone:
        session.delete(grant)
    session.add_all(RoleGrant(person_id=person.id, role=r, area_id=a, unit_id=u) for r, a, u in missing)
    return bool(gone or missing)


def _set_active(session: Session, clock: Clock, person: Person, active: bool) -> bool:
    if person.active == active:
        return False
    if active:
        person.active = True
    else:
        deactivate(session, clock, person)
    return True


# ---- what several tables ask


def _ids_by_code(session: Session, table: type[Area] | type[Unit]) -> dict[str, uuid.UUID]:
    return dict(session.execute(sa.select(table.code, table.id)).all())


def _unknown(
    rows: Iterable[Row[R]], code_of: Callable[[R], str | None], known: Container[str], column: str
) -> list[Fault]:
    codes = [(row, code_of(row.value)) for row in rows]
    return [row.not_stored(column, code) for row, code in codes if code and code not in known]


def _single(
    rows: Iterable[Row[R]], value_of: Callable[[R], str | None], taken: Container[str], what: str
) -> list[Fault]:
    rows = list(rows)
    values = [(row, value_of(row.value)) for row in rows]
    faults = [
        row.fault(f"{what} {value} belongs to another one")
        for row, value in values
        if value in taken and value
    ]
    return faults + repeated(rows, value_of, what)
