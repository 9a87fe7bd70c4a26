"""What the county's five tables refuse, row by row."""

import pytest

from server.core.tables import BadTable, Columns, read_rows
from server.enterprises.imports import EnterpriseColumns
from server.identity.imports import AreaColumns, PersonColumns, UnitColumns
from server.identity.rules import Role
from server.triage.imports import SectorColumns


def _told(text: str, columns: type[Columns]) -> str:
    with pytest.raises(BadTable) as caught:
        read_rows(text.encode(), columns)
    return str(caught.value)


@pytest.mark.parametrize(
    ("polygon", "sentence"),
    [
        ("hello", "neither WKT nor GeoJSON"),
        ('{""type"":""Polygon""}', "neither WKT nor GeoJSON"),
        ("POINT(100 34)", "should be a Polygon"),
        ("POLYGON EMPTY", "should be a Polygon"),
        ("POLYGON((34 100,35 100,35 101,34 100))", "longitude comes first"),
        ("POLYGON((0 0,1 1,1 0,0 1,0 0))", "crosses itself"),
    ],
)
def test_a_polygon_that_is_none_is_refused(polygon: str, sentence: str) -> None:
    assert sentence in _told(f'code,name,kind,polygon\n1,a,县,"{polygon}"\n', AreaColumns)


@pytest.mark.parametrize(
    "polygon",
    [
        "POLYGON((100 34,101 34,101 35,100 34))",
        '{""type"":""Polygon"",""coordinates"":[[[100,34],[101,34],[101,35],[100,34]]]}',
        '{""type"":""Feature"",""geometry"":{""type"":""Polygon"",""coordinates"":[[[100,34],[101,34],[101,35],[100,34]]]}}',
    ],
)
def test_wkt_and_geojson_mean_the_same_polygon(polygon: str) -> None:
    rows, _ = read_rows(f'code,name,kind,polygon\n1,a,县,"{polygon}"\n'.encode(), AreaColumns)
    assert rows[0].value.polygon.bounds == (100, 34, 101, 35)


def test_only_a_county_has_no_parent() -> None:
    assert "only a county" in _told("code,name,kind\n1,a,网格\n", AreaColumns)
    assert "only a county" in _told("code,name,kind,parent_code\n1,a,county,2\n", AreaColumns)


def test_a_town_answers_for_an_area() -> None:
    assert "needs its area_code" in _told("code,name,is_town\nT1,大武镇人民政府,是\n", UnitColumns)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("han,韩梅,网格员,,,", "inspector needs an area_code"),
        ("han,韩梅,经办人,6326,,", "handler and unit_head need a unit_code"),
        ("han,韩梅,受理员,,U1,", "no other role has one"),
        ("han,韩梅,大王,,,", "roles: input should be"),
        ("han,韩梅,；,,,", "roles: "),
        ("h n,韩梅,受理员,,,", "login: has characters"),
        ("han,韩梅,受理员,,,short", "at least 10 characters"),
    ],
)
def test_a_person_without_a_scope_or_a_sound_login_is_refused(row: str, sentence: str) -> None:
    assert sentence in _told(f"login,name,roles,area_code,unit_code,password\n{row}\n", PersonColumns)


def test_logins_have_one_spelling_and_roles_are_a_list() -> None:
    rows, _ = read_rows("账号,姓名,角色\nＨan.Mei,韩梅,受理员；值班领导\n".encode(), PersonColumns)
    assert rows[0].value.login == "han.mei"
    assert rows[0].value.roles == (Role.DESK, Role.LEADER)


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        ("34.5,,6,红", "lat and lng go together"),
        ("95,100,6,红", "lat: input should be less than or equal to 90"),
        ("nan,100,6,红", "lat: "),
        ("34.5,100,6,紫", "risk: input should be 'red', 'orange', 'yellow' or 'blue'"),
        ("34.5,100,六,红", "sector_no: input should be a valid integer"),
    ],
)
def test_an_enterprise_with_half_a_place_or_no_colour_is_refused(cells: str, sentence: str) -> None:
    told = _told(f"name,area_code,address,lat,lng,sector_no,risk\n液化气站,1,街,{cells}\n", EnterpriseColumns)
    assert sentence in told


def test_keywords_are_separated_by_semicolons_only() -> None:
    headings = "sector_no,sector_title,lead_unit,responsible_units,keywords"
    row = "3,危化,县应急管理局,各乡镇党委、政府,一张图、一张表；气瓶"
    rows, _ = read_rows(f"{headings}\n{row}\n".encode(), SectorColumns)
    assert rows[0].value.responsible_units == ("各乡镇党委、政府",)
    assert rows[0].value.keywords == ("一张图、一张表", "气瓶")
