"""Pairs of reports as they come in: which are one matter, and what the desk reads about it."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import cos, radians
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.triage import rules
from server.triage.rules import Place, Told, Verdict
from server.triage.words import company_name

NOON = datetime(2026, 11, 3, 4, tzinfo=UTC)
HOME = Place(34.47, 100.245, 15)
PHOTO = "8f3c61a7d20e5b94"
FIRE_TYPES = ("exit_blocked", "fire_lane_blocked")


def told(
    text: str = "",
    *,
    seq: int = 2,
    hours: float = 0,
    m: float | None = 0,
    company: str = "",
    place_words: str = "",
    hazard_type: str | None = None,
    **more: Any,
) -> Told:
    """A report `hours` after noon, `m` metres north of one place (None: no place)."""
    place = None if m is None else replace(HOME, lat=HOME.lat + m / rules.METRES_PER_DEGREE)
    return Told(
        seq=seq,
        received_at=NOON + timedelta(hours=hours),
        text=text,
        place=place,
        place_words=place_words,
        company=company_name(company, ("玛沁县", "大武镇")),
        hazard_type=hazard_type,
        sector_no=None if hazard_type is None else 6 if hazard_type in FIRE_TYPES else 8,
        **more,
    )


def earlier(text: str = "", **more: Any) -> Told:
    return told(text, seq=1, **more)


@dataclass(frozen=True)
class Pair:
    story: str
    later: Told
    earlier: Told
    same: bool


EXIT = "雪域大酒店一楼后门安全出口用铁链锁着，里面住着客人，着火跑不出来"
EXIT_AGAIN = "酒店的安全出口上了锁，铁链拴着打不开，好多客人住着"
GAS = "后厨煤气罐放在过道里，软管老化漏气"

PAIRS = [
    Pair(
        "two guests see one locked exit",
        told(EXIT_AGAIN, hours=5, m=30, company="雪域大酒店"),
        earlier(EXIT, company="雪域酒店"),
        True,
    ),
    Pair(
        "no company named, near, the same type tapped",
        told("安全出口锁死了没人管", hours=26, m=45, hazard_type="exit_blocked"),
        earlier("这里的安全出口被铁链锁住", hazard_type="exit_blocked"),
        True,
    ),
    Pair("exact duplicate, sent twice", told(EXIT, hours=0.1), earlier(EXIT), True),
    Pair(
        "half a name and no place on one phone",
        told("宏源那个加油站卸油的时候有人抽烟", hours=3, m=None, company="宏源加油站"),
        earlier("加油站卸油时工人在旁边抽烟", company="玛沁县宏源石油有限公司加油站"),
        True,
    ),
    Pair(
        "only the address is the same",
        told("楼道里电动车充电，电线从楼上拉下来", hours=9, m=None, place_words="团结路12号"),
        earlier("楼道电动车充电，飞线从窗户拉下来", m=None, place_words="大武镇团结路十二号"),
        True,
    ),
    Pair(
        "typos",
        told("安全岀口堵赛，杂物堆满楼到", hours=2, m=20, hazard_type="exit_blocked"),
        earlier("安全出口堵塞，杂物堆满楼道", hazard_type="exit_blocked"),
        True,
    ),
    Pair(
        "the same photo without any words",
        told("", hours=1, m=60, photos=frozenset({"8f3c61a7d20e5b97"})),
        earlier("", photos=frozenset({PHOTO})),
        True,
    ),
    Pair(
        "the same photo from two places is shown to the desk",
        told("快来看", hours=1, m=6000, photos=frozenset({PHOTO})),
        earlier("这里危险", photos=frozenset({PHOTO})),
        True,
    ),
    Pair(
        "one unit told with and without its building",
        told("9栋2单元楼道堆满纸箱子和旧家具", hours=4, m=25),
        earlier("二单元楼道里堆着纸箱、旧家具", place_words="九栋二单元"),
        True,
    ),
    Pair(
        "still open after 60 days: somebody reminds",
        told(EXIT_AGAIN, hours=60 * 24, m=10, company="雪域大酒店", hazard_type="exit_blocked"),
        earlier(EXIT, company="雪域大酒店", hazard_type="exit_blocked"),
        True,
    ),
    Pair(
        "the same enterprise, another hazard",
        told(GAS, hours=5, m=15, company="雪域大酒店"),
        earlier(EXIT, company="雪域大酒店"),
        False,
    ),
    Pair(
        "the same enterprise, another hazard by its type",
        told(GAS, hours=1, m=5, company="雪域大酒店", hazard_type="gas_bottle_leak"),
        earlier(EXIT, company="雪域大酒店", hazard_type="exit_blocked"),
        False,
    ),
    Pair(
        "next door, the same kind of hazard",
        told("饭店后门安全出口锁着", hours=3, m=25, company="川香园饭店", hazard_type="exit_blocked"),
        earlier("饭店后门的安全出口锁了", company="福满楼饭店", hazard_type="exit_blocked"),
        False,
    ),
    Pair(
        "another house number in the same road",
        told("楼道堆杂物", hours=8, m=None, place_words="团结路12号", company="惠民超市"),
        earlier("后厨漏气味道大", m=None, place_words="团结路88号", company="惠民超市"),
        False,
    ),
    Pair(
        "another building of the same housing estate",
        told("幸福小区5号楼楼道电动车充电", hours=2, m=35, hazard_type="ebike_charging"),
        earlier("幸福小区3号楼楼道电动车充电", hazard_type="ebike_charging"),
        False,
    ),
    Pair(
        "another unit of the same building",
        told("9栋3单元楼道电动车充电", hours=2, m=10),
        earlier("9栋2单元楼道电动车充电", m=0),
        False,
    ),
    Pair(
        "a text copied for another company, two kilometres away",
        told(EXIT, hours=1, m=2000, company="兴旺宾馆"),
        earlier(EXIT, company="雪域大酒店"),
        False,
    ),
    Pair(
        "neighbours in one cell with nothing in common",
        told("路面有个大坑，晚上看不见", hours=30, m=200),
        earlier(GAS),
        False,
    ),
    Pair("the same cell and no words at all", told("", hours=30, m=180), earlier(""), False),
]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.story)
def test_a_pair_is_suggested_or_distinct(pair: Pair) -> None:
    verdict = rules.judge_pair(pair.later, pair.earlier)
    assert verdict.suggested is pair.same, (verdict.score, verdict.reasons)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.story)
def test_what_is_one_matter_shares_a_key(pair: Pair) -> None:
    shared = rules.sought_keys(pair.later) & rules.own_keys(pair.earlier)
    near = {key for photo in pair.later.photos for key in rules.photo_bands_near(photo)}
    assert not pair.same or shared or near & rules.own_keys(pair.earlier)


def test_a_matter_closed_60_days_ago_is_not_looked_at() -> None:
    before = earlier(EXIT, closed=True)
    assert not rules.comparable(told(EXIT, hours=60 * 24), before)
    assert rules.comparable(told(EXIT, hours=29 * 24), before)
    assert rules.comparable(told(EXIT, hours=60 * 24), replace(before, closed=False))


def test_only_what_arrived_before_is_compared() -> None:
    one, two = earlier(EXIT), told(EXIT)
    assert rules.comparable(two, one)
    assert not rules.comparable(one, two)
    assert not rules.comparable(one, one)


def codes(later: Told, before: Told) -> dict[str, dict[str, Any]]:
    return {reason["code"]: reason["params"] for reason in rules.judge_pair(later, before).reasons}


def test_reasons_say_what_the_desk_would_check() -> None:
    found = codes(
        told("5号楼安全出口锁着", hours=2.2, m=34, company="雪域酒店", photos=frozenset({PHOTO})),
        earlier("3号楼安全出口锁着", company="玛沁雪域酒店有限公司", photos=frozenset({PHOTO})),
    )
    assert found["distance"] == {"m": 34}
    assert found["hours_apart"] == {"hours": 2}
    assert found["other_building"] == {"a": "5号楼", "b": "3号楼"}
    assert found["text_alike"] == {"percent": 100}
    assert {"same_company", "same_photo"} <= found.keys()


def test_reasons_name_a_photo_from_elsewhere_and_an_old_open_matter() -> None:
    photos = frozenset({PHOTO})
    found = codes(told(m=5000, hours=31 * 24, photos=photos), earlier(photos=photos))
    assert found["same_photo_elsewhere"]["m"] == pytest.approx(5000, rel=0.01)
    assert "still_open" in found
    assert "same_photo" not in found


def test_reasons_name_other_addresses_companies_and_types() -> None:
    found = codes(
        told(GAS, place_words="团结路12号", company="兴旺超市", hazard_type="gas_bottle_leak"),
        earlier(EXIT, place_words="团结路88号", company="雪域大酒店", hazard_type="exit_blocked"),
    )
    assert found["other_address"] == {"a": "团结路12号", "b": "团结路88号"}
    assert found["other_company"] == {"a": "兴旺超市", "b": "雪域大酒店"}
    assert found["other_hazard_type"] == {"a": "gas_bottle_leak", "b": "exit_blocked"}
    assert "text_differs" in found


def test_registered_enterprises_are_compared_by_their_number_not_by_their_name() -> None:
    one, two = UUID(int=1), UUID(int=2)
    other = codes(
        told(EXIT, company="雪域", enterprise_id=one), earlier(EXIT, company="雪域", enterprise_id=two)
    )
    same = codes(told(EXIT, enterprise_id=one), earlier(EXIT, enterprise_id=one))
    assert "other_company" in other
    assert "same_company" in same


@pytest.mark.parametrize("flat", ["0000000000000000", "ffffffffffffffff", "0000000000000100"])
def test_a_dark_or_empty_picture_matches_nothing(flat: str) -> None:
    assert rules.photo_bands(flat) == rules.photo_bands_near(flat) == []
    assert not rules.same_photo([flat], [flat])


# ── what holds for all reports

places = st.builds(Place, st.floats(-85, 85), st.floats(-179, 179), st.one_of(st.none(), st.floats(0, 5000)))
texts = st.text("安全出口锁了着火电动车充电3号楼5栋2单元团结路12号，煤气罐漏", max_size=40)
reports = st.builds(
    Told,
    seq=st.integers(1, 1000),
    received_at=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    text=texts,
    place=st.one_of(st.none(), places),
    place_words=texts,
    enterprise_id=st.one_of(st.none(), st.sampled_from([UUID(int=1), UUID(int=2)])),
    company=st.sampled_from(
        [company_name(name) for name in ("", "雪域大酒店", "雪域酒店", "宏源加油站", "加油站")]
    ),
    hazard_type=st.sampled_from([None, "exit_blocked", "gas_bottle_leak"]),
    sector_no=st.sampled_from([None, 6, 8]),
    photos=st.sampled_from([frozenset(), frozenset({PHOTO}), frozenset({"0123456789abcdef"})]),
    closed=st.booleans(),
)


@given(reports, reports)
def test_the_score_is_a_probability_and_blind_to_order(a: Told, b: Told) -> None:
    forth, back = rules.judge_pair(a, b), rules.judge_pair(b, a)
    assert 0 <= forth.score <= 1
    assert forth.score == pytest.approx(back.score)


@given(reports, reports)
def test_exactly_one_of_two_reports_can_be_the_later_one(a: Told, b: Told) -> None:
    assert not (rules.comparable(a, b) and rules.comparable(b, a))


@given(reports, reports)
def test_every_reason_has_a_code_and_plain_parameters(a: Told, b: Told) -> None:
    for reason in rules.judge_pair(a, b).reasons:
        assert reason.keys() == {"code", "params"}
        assert all(isinstance(value, str | int) for value in reason["params"].values())


@given(reports, reports)
def test_another_building_never_makes_it_likelier(a: Told, b: Told) -> None:
    with_both = (replace(a, place_words="3号楼", text=""), replace(b, place_words="5号楼", text=""))
    without = tuple(replace(told, place_words="") for told in with_both)
    assert rules.judge_pair(*with_both).score <= rules.judge_pair(*without).score


@given(st.floats(-80, 80), st.floats(-179, 179), st.floats(0, 299), st.floats(0, 299))
def test_whatever_is_within_300_m_lies_in_the_nine_cells(
    lat: float, lng: float, north: float, east: float
) -> None:
    there = (
        lat + north / rules.METRES_PER_DEGREE,
        lng + east / (rules.METRES_PER_DEGREE * cos(radians(lat))),
    )
    far = rules.metres_between(Place(lat, lng), Place(*there))
    if far <= 298:  # flat-earth steps above and the sphere differ by less
        assert rules.cell(*there) in rules.cells_around(lat, lng)
        assert rules.cell(lat, lng) in rules.cells_around(*there)


@given(st.integers(0, 2**64 - 1), st.sets(st.integers(0, 63), max_size=rules.SAME_PHOTO_BITS))
def test_a_photo_within_ten_bits_is_always_found(bits: int, flipped: set[int]) -> None:
    other = bits
    for position in flipped:
        other ^= 1 << position
    one, two = f"{bits:016x}", f"{other:016x}"
    if rules.tells_something(one) and rules.tells_something(two):
        assert rules.same_photo([one], [two])
        assert set(rules.photo_bands_near(one)) & set(rules.photo_bands(two))


def test_a_photo_eleven_bits_away_is_another_one() -> None:
    other = f"{int(PHOTO, 16) ^ 0b11111111111:016x}"
    assert not rules.same_photo([PHOTO], [other])


@given(st.lists(st.floats(0, 1), max_size=20))
def test_at_most_three_are_shown_the_likeliest_first(scores: list[float]) -> None:
    shown = rules.best((UUID(int=i), Verdict(score, [])) for i, score in enumerate(scores))
    enough = sorted((score for score in scores if score >= rules.THRESHOLD), reverse=True)
    assert [verdict.score for _, verdict in shown] == enough[:3]
