"""Pairs of reports as they come in: which are one matter, and what the desk reads about it."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import cos, radians
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.triage import keys, pdq, rules
from server.triage.experience import Experience
from server.triage.model import shipped
from server.triage.pairs import SAME_PHOTO_BITS, metres_between, same_photo
from server.triage.reading import Place, Told, photo_bits, place_by_others
from server.triage.rules import Costs, Verdict
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
    place = None if m is None else replace(HOME, lat=HOME.lat + m / keys.METRES_PER_DEGREE)
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


NOTHING_KNOWN = Experience()


def judge_pair(later: Told, before: Told, costs: Costs = rules.USUAL) -> Verdict:
    later, before = map(NOTHING_KNOWN.understand, (later, before))
    (verdict,) = rules.judge(later, [before], shipped(), costs)
    return verdict


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
    verdict = judge_pair(pair.later, pair.earlier)
    assert verdict.suggested is pair.same, (verdict.score, verdict.reasons)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.story)
def test_what_is_one_matter_shares_a_key(pair: Pair) -> None:
    shared = keys.sought_keys(pair.later).keys() & keys.own_keys(pair.earlier)
    assert shared or not pair.same


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
    everything = Costs(missed=1e9)
    return {reason["code"]: reason["params"] for reason in judge_pair(later, before, everything).reasons}


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


def pictures(*photos: str, seq: int = 1) -> Told:
    return told(seq=seq, photos=frozenset(photos))


@pytest.mark.parametrize("flat", ["0000000000000000", "ffffffffffffffff", "0000000000000100"])
def test_a_dark_or_empty_picture_matches_nothing(flat: str) -> None:
    assert keys.photo_keys(pictures(flat)) == set()
    assert same_photo(pictures(flat), pictures(flat)) is None


PHOTO_HERE: dict[str, Any] = {"m": 20, "hours": 5, "photos": frozenset({PHOTO})}


def test_the_same_picture_at_the_same_place_is_joined() -> None:
    verdict = judge_pair(told("快来看", **PHOTO_HERE), earlier("这里危险", photos=frozenset({PHOTO})))
    assert verdict.automatic


@pytest.mark.parametrize(
    ("later", "before"),
    [
        ({"company": "兴旺宾馆"}, {"company": "雪域大酒店"}),
        ({"place_words": "5号楼"}, {"place_words": "3号楼"}),
        ({"place_words": "团结路12号"}, {"place_words": "团结路88号"}),
        ({"hazard_type": "gas_bottle_leak"}, {"hazard_type": "exit_blocked"}),
        ({"m": 2000}, {}),
        ({"hours": 24 * 31}, {}),
        ({"photos": frozenset()}, {}),
    ],
)
def test_the_same_picture_is_left_to_a_person_when_anything_speaks_against_it(
    later: dict[str, Any], before: dict[str, Any]
) -> None:
    photos = frozenset({PHOTO})
    pair = told("快来看", **(PHOTO_HERE | later)), earlier("这里危险", photos=photos, **before)
    assert not judge_pair(*pair).automatic


def test_the_same_words_alone_are_suggested_and_never_joined() -> None:
    once = earlier(EXIT, company="雪域大酒店", place_words="团结路12号", hazard_type="exit_blocked")
    twice = judge_pair(replace(once, seq=2), once)
    assert twice.suggested
    assert not twice.automatic


def test_a_dearer_interruption_shows_less_and_a_dearer_wrong_merge_joins_less() -> None:
    pair = told(EXIT_AGAIN, hours=5, m=30, company="雪域大酒店"), earlier(EXIT, company="雪域酒店")
    assert judge_pair(*pair, Costs(missed=1, interrupted=1)).suggested
    assert not judge_pair(*pair, Costs(missed=1e-9, interrupted=1)).suggested
    photo = told("快来看", **PHOTO_HERE), earlier("这里危险", photos=frozenset({PHOTO}))
    assert not judge_pair(*photo, Costs(wrong_merge=1e12)).automatic


def north(m: float) -> Place:
    return replace(HOME, lat=HOME.lat + m / keys.METRES_PER_DEGREE)


def test_whoever_gives_no_place_is_put_where_most_of_what_it_names_leads() -> None:
    company, road = (5.0, [north(10), north(20), north(9000)]), (0.8, [north(0), north(4000)])
    place = place_by_others([company, road])
    assert place is not None
    assert metres_between(place, HOME) < 50
    silent = told(EXIT, m=None, company="雪域大酒店")
    assert keys.own_keys(silent.at(place)) > keys.own_keys(silent)


def test_a_road_that_leads_to_many_places_is_no_place() -> None:
    assert place_by_others([(0.8, [north(m) for m in range(0, 9000, 1000)])]) is None
    assert place_by_others([]) is None


def test_what_was_stored_compares_as_what_was_read() -> None:
    one = told(
        "9栋2单元楼道堆满纸箱子，三楼电动车充电",
        company="雪域酒店",
        place_words="团结路12号",
        hazard_type="exit_blocked",
    )
    two = earlier("二单元楼道里堆着纸箱", place_words="九栋", company="雪域大酒店", photos=frozenset({PHOTO}))
    kept = json.loads(json.dumps(two.stored()))
    again = Told.from_stored(two.seq, two.received_at, two.closed, kept)
    assert judge_pair(one, again) == judge_pair(one, two)
    assert keys.own_keys(again) == keys.own_keys(two)


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
    forth, back = judge_pair(a, b), judge_pair(b, a)
    assert 0 <= forth.score <= 1
    assert forth.score == pytest.approx(back.score)


@given(reports, reports)
def test_exactly_one_of_two_reports_can_be_the_later_one(a: Told, b: Told) -> None:
    assert not (rules.comparable(a, b) and rules.comparable(b, a))


@given(reports, reports)
def test_every_reason_has_a_code_and_plain_parameters(a: Told, b: Told) -> None:
    for reason in judge_pair(a, b).reasons:
        assert reason.keys() == {"code", "params"}
        assert all(isinstance(value, str | int | list) for value in reason["params"].values())


@given(reports, reports)
def test_another_building_never_makes_it_likelier(a: Told, b: Told) -> None:
    three, five = replace(a, place_words="3号楼", text=""), replace(b, place_words="5号楼", text="")
    silent = replace(a, place_words="", text=""), replace(b, place_words="", text="")
    assert judge_pair(three, five).score <= judge_pair(*silent).score


@given(st.floats(-80, 80), st.floats(-179, 179), st.floats(0, 299), st.floats(0, 299))
def test_whatever_is_within_300_m_lies_in_the_nine_cells(
    lat: float, lng: float, north: float, east: float
) -> None:
    there = (
        lat + north / keys.METRES_PER_DEGREE,
        lng + east / (keys.METRES_PER_DEGREE * cos(radians(lat))),
    )
    far = metres_between(Place(lat, lng), Place(*there))
    if far <= 298:  # flat-earth steps above and the sphere differ by less
        assert keys.cell(*there) in keys.cells_around(lat, lng)
        assert keys.cell(lat, lng) in keys.cells_around(*there)


@given(st.integers(0, 2**64 - 1), st.sets(st.integers(0, 63), max_size=SAME_PHOTO_BITS))
def test_a_photo_within_ten_bits_is_the_same_and_one_within_seven_is_found_by_it_alone(
    bits: int, flipped: set[int]
) -> None:
    other = bits
    for position in flipped:
        other ^= 1 << position
    one, two = f"{bits:016x}", f"{other:016x}"
    if photo_bits([one]) and photo_bits([two]):
        assert same_photo(pictures(one), pictures(two))
        if len(flipped) <= 7:
            assert keys.photo_keys(pictures(one)) & keys.own_keys(pictures(two))


@given(st.integers(0, 2**256 - 1), st.integers(0, 7), st.lists(st.integers(0, 255), max_size=7, unique=True))
def test_a_turned_or_mirrored_picture_is_found_by_its_keys(whole: int, way: int, flipped: list[int]) -> None:
    """By PDQ alone: the other dHash says nothing."""
    copy = pdq.ways(whole)[way]
    for bit in flipped:
        copy ^= 1 << bit
    one, other = f"{PHOTO}{whole:064x}", f"{int(PHOTO, 16) ^ 0x00FF_0FF0_F00F_55AA:016x}{copy:064x}"
    assert same_photo(pictures(one), pictures(other))
    assert keys.photo_keys(pictures(other)) & keys.own_keys(pictures(one))


def test_a_photo_eleven_bits_away_is_another_one() -> None:
    other = f"{int(PHOTO, 16) ^ 0b11111111111:016x}"
    assert not same_photo(pictures(PHOTO), pictures(other))


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=20))
def test_at_most_three_are_shown_the_likeliest_first(scores: list[tuple[float, bool]]) -> None:
    verdicts = [Verdict(score, [], [], suggested=suggested) for score, suggested in scores]
    shown = rules.best((UUID(int=i), verdict) for i, verdict in enumerate(verdicts))
    enough = sorted((score for score, suggested in scores if suggested), reverse=True)
    assert [verdict.score for _, verdict in shown] == enough[:3]


def test_what_is_certain_is_shown_first() -> None:
    verdicts = [Verdict(0.99, [], []), Verdict(0.7, [], [], automatic=True)]
    shown = rules.best((UUID(int=i), verdict) for i, verdict in enumerate(verdicts))
    assert [verdict.score for _, verdict in shown] == [0.7, 0.99]


def test_vectors_of_the_optional_model_bring_other_words_closer() -> None:
    one, other = bytes([100, 0, 50]), bytes([0, 100, 50])
    pair = told("后门打不开"), earlier("灶台漏气了")
    apart = judge_pair(replace(pair[0], vector=one), replace(pair[1], vector=other))
    close = judge_pair(replace(pair[0], vector=one), replace(pair[1], vector=one))
    assert apart.score == judge_pair(*pair).score < close.score
