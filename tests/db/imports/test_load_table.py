"""The county's five tables, loaded into a real database."""

import io
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.audit.models import AuditEntry
from server.core.clock import FixedClock
from server.core.tables import BadTable, Outcome
from server.enterprises.models import Enterprise
from server.identity.models import Area, Person, RefreshToken, RoleGrant, Unit
from server.identity.passwords import verify
from server.identity.rules import Role
from server.identity.services import actor_of, area_at, begin_session, session_lives
from server.imports import load_table
from server.triage.models import Sector, SectorUnit

AREAS = """code,name,kind,parent_code,polygon
C,玛沁县,县,,"POLYGON((100 34,102 34,102 35,100 35,100 34))"
C-1,大武镇,乡镇,C,"POLYGON((100 34,101 34,101 35,100 35,100 34))"
C-2,拉加镇,乡镇,C,"POLYGON((101 34,102 34,102 35,101 35,101 34))"
C-1-1,一网格,网格,C-1,
"""
UNITS = """编码,名称,区域代码,乡镇,综合协调,执法权
YJ,县应急管理局,C,,是,
JC,果洛机场,,,,否
DW,大武镇人民政府,C-1,是,,
LJ,拉加镇人民政府,C-2,是,,
"""
ROUTING = """sector_no,sector_title,lead_unit,responsible_units,keywords
3,危险化学品,县应急管理局,果洛机场;各乡镇党委、政府,气瓶;储罐
13,民航,果洛机场,县应急管理局,无人机
"""
ENTERPRISES = """uscc,name,area_code,address,lat,lng,sector_no,risk
91110000101623741K,雪山气站,C-1,团结路 1 号,34.5,100.5,3,红
,机场小卖部,C-2,机场路,34.5,101.5,13,低
"""
PEOPLE = """login,name,roles,area_code,unit_code,password,active
han,韩梅,网格员,C-1-1,,a long password,
cai,才让,经办人,,YJ,,
cai,才让,网格长,C-2,,,
"""
TABLES = {"areas": AREAS, "units": UNITS, "routing": ROUTING, "enterprises": ENTERPRISES, "people": PEOPLE}

Load = Callable[[str, str], Outcome]


@pytest.fixture
def load(session: Session, clock: FixedClock) -> Load:
    """Load one table from its text."""
    return lambda kind, text: load_table(session, clock, kind, text.encode())


@pytest.fixture
def county(load: Load) -> dict[str, Outcome]:
    """A small county, loaded in order."""
    return {kind: load(kind, text) for kind, text in TABLES.items()}


def _told(load: Load, kind: str, text: str) -> str:
    with pytest.raises(BadTable) as caught:
        load(kind, text)
    return str(caught.value)


def _area(session: Session, code: str) -> Area:
    return session.scalars(sa.select(Area).where(Area.code == code)).one()


def test_loading_everything_again_changes_nothing(county: dict[str, Outcome], load: Load) -> None:
    assert {kind: outcome.added for kind, outcome in county.items()} == {
        "areas": 4, "units": 4, "routing": 2, "enterprises": 2, "people": 2,
    }  # fmt: skip
    for kind, text in TABLES.items():
        again = load(kind, text)
        assert (again.added, again.updated, again.passwords) == (0, 0, []), kind
        assert again.unchanged == county[kind].added


def test_the_tree_has_paths_and_boundaries_and_finds_points(
    county: dict[str, Outcome], session: Session
) -> None:
    grid = _area(session, "C-1-1")
    assert grid.path == "C/C-1/C-1-1"
    assert grid.polygon is None
    hit = area_at(session, 34.5, 100.5)
    assert hit is not None
    assert (hit.area.code, hit.rule) == ("C-1", "inside")
    border = area_at(session, 34.5, 101)
    assert border is not None
    assert (border.area.code, border.rule) == ("C-1", "border")
    assert area_at(session, 30, 100.5) is None


def test_children_move_with_an_area_that_moves(
    county: dict[str, Outcome], load: Load, session: Session
) -> None:
    load("areas", "code,name,kind,parent_code\nC-9,新县,县,\nC-1,大武镇,乡镇,C-9\n")
    assert _area(session, "C-1-1").path == "C-9/C-1/C-1-1"
    assert _area(session, "C-1").polygon is not None


def test_areas_tell_every_fault_of_the_tree(load: Load, county: dict[str, Outcome]) -> None:
    told = _told(
        load,
        "areas",
        "code,name,kind,parent_code\nX,x,村,nowhere\nC-2,y,网格,C-1-1\nC-1,z,网格,C-2\nX,x,村,C-1\n",
    )
    assert "line 2: parent_code nowhere is neither in the file nor stored" in told
    assert "line 3: a grid cannot lie below a grid (C-1-1)" in told
    assert "line 4: the stored grid C-1-1 lies below it: load both together" in told
    assert "line 5: code X is already in line 2" in told


def test_a_polygon_that_leaves_its_parent_is_a_note(load: Load, county: dict[str, Outcome]) -> None:
    outcome = load(
        "areas",
        'code,name,kind,parent_code,polygon\nC-3,远方,乡镇,C,"POLYGON((103 34,104 34,104 35,103 34))"\n',
    )
    assert [str(warning) for warning in outcome.warnings] == [
        "line 2: the polygon of 远方 leaves that of 玛沁县"
    ]


def test_units_are_single_where_the_work_needs_it(load: Load, county: dict[str, Outcome]) -> None:
    told = _told(
        load,
        "units",
        "code,name,area_code,is_town,is_coordinating\nA,县应急管理局,,,\nB,乙,C-1,yes,\nD,丁,,,yes\nE,戊,C-8,,\n",
    )
    assert "line 2: the name 县应急管理局 belongs to another one" in told
    assert "line 3: is_town for area C-1 belongs to another one" in told
    assert "line 4: is_coordinating yes belongs to another one" in told
    assert "line 5: area_code C-8 is not stored" in told


def test_routing_names_its_units_exactly_and_helps_with_misspellings(
    load: Load, county: dict[str, Outcome], session: Session
) -> None:
    head = "sector_no,sector_title,lead_unit,responsible_units\n"
    told = _told(load, "routing", head + "7,x,县应急局,果洛机场;果洛机场\n7,y,谁,\n")
    assert "line 2: no unit is called 县应急局; did you mean 县应急管理局?" in told
    assert "line 2: 果洛机场 is responsible twice" in told
    assert "line 3: sector_no 7 is already in line 2" in told
    lead = session.get_one(Unit, session.get_one(Sector, 3).lead_unit_id)
    assert lead.name == "县应急管理局"
    rows = session.execute(
        sa.select(SectorUnit.position, Unit.name, SectorUnit.by_place)
        .outerjoin(Unit, Unit.id == SectorUnit.unit_id)
        .where(SectorUnit.sector_no == 3)
        .order_by(SectorUnit.position)
    )
    assert [tuple(row) for row in rows] == [(1, "果洛机场", False), (2, None, True)]


def test_the_table_of_the_county_itself_loads(load: Load, session: Session) -> None:
    path = Path(__file__).parents[3] / "server" / "demo" / "maqin_routing.csv"
    text = path.read_text(encoding="utf-8-sig")
    told = _told(load, "routing", text)
    names = sorted({line.split("no unit is called ")[1].split(";")[0] for line in told.splitlines()})
    load("units", "code,name\n" + "\n".join(f"U{i},{name}" for i, name in enumerate(names)))
    assert load("routing", text).added == 18
    assert session.scalar(sa.select(sa.func.count()).where(SectorUnit.by_place)) == 18


def test_an_enterprise_is_found_again_by_code_or_name_and_keeps_its_code(
    load: Load, county: dict[str, Outcome], session: Session
) -> None:
    head = "uscc,name,area_code,address,sector_no,risk\n"
    renamed = load("enterprises", head + "91110000101623741K,雪山新气站,C-1,团结路 2 号,3,橙\n")
    assert (renamed.added, renamed.updated) == (0, 1)
    nameless = load("enterprises", head + ",雪山新气站,C-1,团结路 2 号,3,黄\n")
    assert (nameless.added, nameless.updated) == (0, 1)
    coded = load("enterprises", head + "92632621MA75ABCD1X,机场小卖部,C-2,机场路,13,低\n")
    assert (coded.added, coded.updated) == (0, 1)
    assert "uscc 92632621MA75ABCD1X has a wrong check digit or form" in str(coded.warnings[0])
    rows = session.execute(sa.select(Enterprise.uscc, Enterprise.name, Enterprise.risk))
    assert {tuple(row) for row in rows} == {
        ("91110000101623741K", "雪山新气站", "yellow"),
        ("92632621MA75ABCD1X", "机场小卖部", "blue"),
    }


def test_an_enterprise_outside_of_its_area_is_a_note_and_an_unknown_sector_a_fault(
    load: Load, county: dict[str, Outcome]
) -> None:
    head = "name,area_code,address,lat,lng,sector_no,risk\n"
    outcome = load("enterprises", head + "远方,C-1,街,34.5,101.5,3,红\n")
    assert "lies outside of 大武镇" in str(outcome.warnings[0])
    told = _told(load, "enterprises", head + "远方,C-7,街,,,99,红\n远方,C-1,街,,,3,红\n")
    assert "line 2: area_code C-7 is not stored" in told
    assert "line 2: sector_no 99 is not in the routing table" in told
    assert "line 3: without uscc, the name 远方 is already in line 2" in told


def test_people_hold_their_roles_where_the_rows_say(
    load: Load, county: dict[str, Outcome], session: Session
) -> None:
    person = session.scalars(sa.select(Person).where(Person.login == "cai")).one()
    actor = actor_of(session, person.id)
    assert actor is not None
    unit_id = session.scalars(sa.select(Unit.id).where(Unit.code == "YJ")).one()
    assert actor.may(Role.HANDLER, "C/C-1", unit_id)
    assert actor.may(Role.GRID_HEAD, "C/C-2")
    assert not actor.may(Role.GRID_HEAD, "C/C-1")
    [(login, password)] = county["people"].passwords
    assert login == "cai"
    assert verify(person.password_hash, password)
    load("people", "login,name,roles\ncai,才让,受理员\n")
    roles = session.scalars(sa.select(RoleGrant.role).where(RoleGrant.person_id == person.id)).all()
    assert roles == [Role.DESK]


def _signed_in(session: Session, clock: FixedClock, login: str) -> tuple[Person, RefreshToken]:
    person = session.scalars(sa.select(Person).where(Person.login == login)).one()
    return person, begin_session(session, clock, person)


@pytest.mark.parametrize("row", ["han,韩梅,网格员,C-1-1,another password,yes", "han,韩梅,网格员,C-1-1,,no"])
def test_a_new_password_or_the_end_of_the_job_ends_all_sessions_at_once(
    row: str, load: Load, county: dict[str, Outcome], session: Session, clock: FixedClock
) -> None:
    person, token = _signed_in(session, clock, "han")
    assert session_lives(session, person.id, token.family, token.issued_at)
    load("people", f"login,name,roles,area_code,password,active\n{row}\n")
    assert not session_lives(session, person.id, token.family, token.issued_at)


def test_people_who_contradict_themselves_are_refused(load: Load, county: dict[str, Outcome]) -> None:
    told = _told(
        load,
        "people",
        "login,name,roles,area_code,unit_code\nx1,甲,受理员,,\nx1,乙,值班领导,,\nx1,甲,受理员,,\nx2,丙,网格员,C-7,\nx3,丁,经办人,,NO\n",
    )
    assert "line 3: x1 is in line 2 with another name, phone, email, password or active" in told
    assert "line 4: row x1 desk" in told
    assert "line 5: area_code C-7 is not stored" in told
    assert "line 6: unit_code NO is not stored" in told


def test_an_xlsx_loads_like_its_csv(session: Session, clock: FixedClock) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["编码", "名称", "类型"])
    book.active.append([632621, "玛沁县", "县"])
    out = io.BytesIO()
    book.save(out)
    load_table(session, clock, "areas", out.getvalue())
    assert _area(session, "632621").name == "玛沁县"


def test_each_load_leaves_a_mark(county: dict[str, Outcome], session: Session) -> None:
    entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "import.areas")).one()
    assert entry.facts == {"added": 4, "updated": 0, "unchanged": 0}
    assert entry.actor_id is None


def test_names_that_two_units_exchange_are_refused_in_a_sentence(
    load: Load, county: dict[str, Outcome]
) -> None:
    told = _told(load, "units", "code,name\nYJ,果洛机场\nJC,县应急管理局\n")
    assert "the database refuses what the rows say together" in told
