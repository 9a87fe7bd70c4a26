"""How people write companies, addresses and buildings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.triage.words import (
    addresses,
    buildings,
    company_keys,
    company_name,
    company_similarity,
    matter,
    other_building,
    plain,
    same_building,
    text_similarity,
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
    assert company_keys(company_name(nothing, PLACES)) == set()


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


def test_a_half_name_shares_a_key_with_the_whole_name() -> None:
    whole = company_keys(company_name("玛沁县宏源石油有限公司加油站", PLACES))
    assert whole & company_keys(company_name("宏源加油站", PLACES))


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
def test_likeness_of_names_and_texts_is_the_same_both_ways_and_within_bounds(a: str, b: str) -> None:
    for compare in (alike, lambda x, y: text_similarity(matter(x), matter(y))):
        forth, back = compare(a, b), compare(b, a)
        assert forth == back
        assert forth is None or 0 <= forth <= 1


@given(chinese)
def test_one_spelling_is_stable(text: str) -> None:
    assert plain(plain(text)) == plain(text)


@given(chinese.filter(lambda text: bool(matter(text))))
def test_a_text_is_wholly_like_itself(text: str) -> None:
    assert text_similarity(matter(text), matter(text)) == pytest.approx(1.0)
