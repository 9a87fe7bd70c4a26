"""How people write companies, addresses and buildings."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.triage.words import (
    addresses,
    buildings,
    company_name,
    company_similarity,
    floors,
    landmarks,
    matter,
    mentions,
    other_building,
    plain,
    same_building,
    sound,
)

PLACES = ("玛沁县", "大武镇", "拉加镇")
chinese = st.text("安全出口锁了三号楼栋单元大武镇团结路十二号加油站有限公司县a1 ，", max_size=60)


def alike(a: str, b: str) -> float | None:
    return company_similarity(company_name(a, PLACES), company_name(b, PLACES))


@pytest.mark.parametrize(
    ("written", "core"),
    [
        ("青海省果洛州玛沁县宏源石油有限责任公司", "宏源石油"),
        ("玛沁宏源石油有限公司", "宏源石油"),
        ("宏源石油", "宏源石油"),
        ("大武镇 雪域大酒店", "雪域大酒店"),
        ("ＡＢ 超市（个体工商户）", "ab超市"),
    ],
)
def test_a_company_is_known_by_what_is_left_without_place_and_legal_form(written: str, core: str) -> None:
    name = company_name(written, PLACES)
    assert name is not None
    assert name.core == core


@pytest.mark.parametrize("nothing", ["", "  ", "有限公司", "？？", "玛沁县"])
def test_no_name_is_no_company(nothing: str) -> None:
    assert company_name(nothing, PLACES) is None


@pytest.mark.parametrize(
    ("a", "b", "least", "most"),
    [
        ("玛沁县宏源石油有限公司", "宏源石油", 1.0, 1.0),
        ("玛沁县宏源石油有限公司加油站", "宏源加油站", 0.85, 1.0),
        ("雪域大酒店", "雪域酒店", 0.6, 1.0),
        ("雪域大酒店", "兴旺超市", 0.0, 0.2),
        ("宏源加油站", "宏源饭店", 0.5, 0.75),
        ("福满楼饭店", "川香园饭店", 0.0, 0.2),
    ],
)
def test_names_said_short_are_the_same_and_neighbours_are_not(
    a: str, b: str, least: float, most: float
) -> None:
    similarity = alike(a, b)
    assert similarity is not None
    assert least <= similarity <= most


def test_a_general_word_says_nothing_about_which_company_it_is() -> None:
    assert alike("加油站", "宏源加油站") is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("大武镇团结路十二号", {("团结路", "12")}),
        ("在团结路１２号楼下", set()),
        ("位于黄河路东段8号的饭店和雪山路20号", {("黄河路", "8"), ("雪山路", "20")}),
        ("团结路12号楼", set()),
        ("电话13900000000号", set()),
    ],
)
def test_road_and_house_number(text: str, found: set[tuple[str, str]]) -> None:
    assert addresses(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("三号楼", [("楼", "3", None)]),
        ("幸福小区3#楼", [("楼", "3", None)]),
        ("9栋2单元", [("楼", "9", "2")]),
        ("九栋二单元", [("楼", "9", "2")]),
        ("B座", [("楼", "b", None)]),
        ("2号车间", [("车间", "2", None)]),
        ("在2楼", []),
        ("有3车间", []),
        ("5单元", [("单元", "5", None)]),
        ("3号楼和5号楼", [("楼", "3", None), ("楼", "5", None)]),
    ],
)
def test_buildings(text: str, found: list[tuple[str, str, str | None]]) -> None:
    assert [(b.kind, b.number, b.unit) for b in buildings(text)] == found


@pytest.mark.parametrize(
    ("a", "b", "conflict"),
    [
        ("3号楼", "5号楼", ("3号楼", "5号楼")),
        ("三号楼", "3栋", None),
        ("9栋2单元", "9栋", None),
        ("9栋2单元", "9栋3单元", ("9栋2单元", "9栋3单元")),
        ("2单元", "9栋2单元", None),
        ("3号楼", "2号车间", None),
        ("3号楼和5号楼", "5号楼", None),
        ("3号楼", "没有说楼", None),
    ],
)
def test_buildings_exclude_each_other(a: str, b: str, conflict: tuple[str, str] | None) -> None:
    assert other_building(buildings(a), buildings(b)) == conflict


@given(chinese, chinese)
def test_two_reports_either_share_a_building_of_a_kind_or_conflict_in_both_directions(a: str, b: str) -> None:
    one, two = buildings(a), buildings(b)
    assert (other_building(one, two) is None) == (other_building(two, one) is None)
    assert (same_building(one, two) is None) == (same_building(two, one) is None)


def test_what_is_left_is_the_hazard() -> None:
    company = company_name("玛沁县宏源石油有限公司", PLACES)
    assert company is not None
    said = "领导您好，我要举报宏源石油有限公司，团结路12号3号楼的安全出口被锁了，希望尽快处理！"
    assert matter(said, [company]) == "安全出口被锁"


@given(chinese, chinese)
def test_likeness_of_names_is_the_same_both_ways_and_within_bounds(a: str, b: str) -> None:
    forth, back = alike(a, b), alike(b, a)
    assert forth == back
    assert forth is None or 0 <= forth <= 1


@given(chinese)
def test_one_spelling_is_stable(text: str) -> None:
    assert plain(plain(text)) == plain(text)


def test_what_sounds_the_same_is_the_same_name() -> None:
    assert sound("雪域") == sound("雪玉")
    assert sound("川香") == sound("穿湘")
    assert sound("宏源") != sound("康巴")
    assert (alike("宏源加油站", "红原加油站") or 0) >= 0.85
    assert (alike("雪域大酒店", "雪域大九店") or 0) >= 0.8


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("雪域酒店后门锁了", {"雪域"}),
        ("这个饭店后厨漏气", set()),
        ("旁边的福满超市和顺安宾馆", {"福满", "顺安"}),
        ("没有名字", set()),
    ],
)
def test_names_of_companies_within_a_text(text: str, found: set[str]) -> None:
    assert mentions(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("幸福小区3号楼", {"幸福小区"}),
        ("赛什托村口", {"什托村"}),
        ("那个市场", set()),
        ("团结路12号", {"团结路"}),
    ],
)
def test_landmarks(text: str, found: set[str]) -> None:
    assert landmarks(text) == found


@pytest.mark.parametrize(
    ("text", "found"), [("三楼漏水", {"3"}), ("3号楼", set()), ("住在12层", {"12"}), ("2楼楼道", {"2"})]
)
def test_floors(text: str, found: set[str]) -> None:
    assert floors(text) == found


def test_a_sound_is_the_same_in_every_process_whatever_it_read_before() -> None:
    code = "from server.triage.words import sound; sound('{}'); print(ascii(sound('雪域宏源')))"
    told = {
        subprocess.run([sys.executable, "-c", code.format(first)], check=True, capture_output=True).stdout
        for first in ("", "康巴川香")
    }
    assert len(told) == 1


def test_seats_of_a_car_are_no_building() -> None:
    assert buildings("七座商务车下来十三个人") == []
    assert [b.number for b in buildings("家在七座二楼")] == ["7"]
