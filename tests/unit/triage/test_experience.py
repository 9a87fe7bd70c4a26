"""What a county's own reports teach: kinds of hazard from what reporters tap, names from what they write."""

import csv
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.triage import keys
from server.triage.experience import Experience
from server.triage.kinds import HAZARD_PHRASES, HAZARD_TYPES, PROBABLE, Kinds, alike, likeliest
from server.triage.reading import Place, Told
from server.triage.words import company_name, place_name

NOON = datetime(2026, 11, 3, 4, tzinfo=UTC)
MINE, LIFT = "quarry_slope", "lift_faults"


def told(text: str = "", company: str = "", **more: Any) -> Told:
    return Told(seq=1, received_at=NOON, text=text, company=company_name(company), **more)


def test_what_reporters_tap_teaches_the_countys_own_words() -> None:
    kinds = Kinds()
    one, other, lift = "青疙瘩悬在坡底人头上", "青疙瘩眼看滚坡", "铁盒子上上下下咣当"
    before = alike(kinds.of(one), kinds.of(other))
    for _ in range(30):
        kinds.learn("山根青疙瘩往坡底滚", MINE)
        kinds.learn("铁盒子咣当关着人", LIFT)
    after = alike(kinds.of(one), kinds.of(other))
    assert before is not None
    assert after is not None
    assert after > before + 1
    assert likeliest(kinds.of("青疙瘩往坡底滚"), kinds.of("青疙瘩往坡底滚啊")) == MINE
    assert likeliest(kinds.of(one), kinds.of(lift)) is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("小电驴拎进屋里插着，半夜一股焦味", "ebike_charging"),
        ("烧水的大铁罐表针顶到红格了", "boiler_unsafe"),
        ("红瓶子的指针早落到底了", "extinguisher_missing"),
        ("粪坑下去捞东西的人熏倒了", "confined_space"),
    ],
)
def test_the_first_reports_of_a_new_county_are_understood(text: str, kind: str) -> None:
    """Not one of them by the keywords alone."""
    likely = Kinds().of(text)
    assert max(likely, key=lambda one: likely[one]) == kind


def test_words_that_say_nothing_are_of_no_kind_for_sure_and_set_nothing_apart() -> None:
    kinds = Kinds()
    one, other = kinds.of("快来看"), kinds.of("危险")
    assert max([*one.values(), *other.values()]) < PROBABLE
    exit_blocked, manhole = kinds.of("安全出口上锁了推不开"), kinds.of("井盖丢了一个大坑")
    apart, unsure = alike(exit_blocked, manhole), alike(one, other)
    assert apart is not None
    assert unsure is not None
    assert unsure > apart + 1


def test_every_shipped_kind_has_sentences_of_its_own() -> None:
    with (
        HAZARD_TYPES.open(encoding="utf-8-sig", newline="") as types,
        HAZARD_PHRASES.open(encoding="utf-8-sig", newline="") as said,
    ):
        codes = [row["code"] for row in csv.DictReader(types)]
        phrases = {row["code"]: row["phrases"].split(";") for row in csv.DictReader(said)}
    assert list(phrases) == codes
    assert min(map(len, phrases.values())) >= 30
    assert max(Counter(one for all_of_it in phrases.values() for one in all_of_it).values()) == 1


def test_a_kind_of_the_countys_own_is_learnt_and_a_tap_outweighs_the_words() -> None:
    kinds = Kinds()
    assert max((likely := kinds.of("电梯困人", "牧道塌了")), key=lambda kind: likely[kind]) == "牧道塌了"
    for _ in range(10):
        kinds.learn("牛走的那条道塌下去了", "牧道塌了")
    assert kinds.of("牛走的道塌了")["牧道塌了"] > 0.5


def test_many_kinds_of_the_countys_own_are_tapped_before_one_is_learnt() -> None:
    kinds = Kinds()
    for n in range(300):
        kinds.of("", f"自编{n}")
    for _ in range(10):
        kinds.learn("牛走的那条道塌下去了", "自编299")
    likely = kinds.of("牛走的道塌了")
    assert max(likely, key=lambda kind: likely[kind]) == "自编299"


def test_what_one_process_learns_is_not_in_the_next() -> None:
    taught = Kinds()
    taught.learn("青疙瘩", MINE)
    assert taught.of("青疙瘩") != Kinds().of("青疙瘩")


@given(st.text("安全出口锁着火电动车充电煤气罐漏气灭火器过期楼道堆杂物", max_size=30))
def test_probabilities_are_probabilities(text: str) -> None:
    likely = Kinds().of(text)
    assert all(0 < p <= 1 for p in likely.values())
    assert sum(likely.values()) <= 1.01
    assert (alike(likely, likely) is None) == (not text)


def test_a_name_that_others_gave_is_known_in_a_text_that_gives_none() -> None:
    known = Experience()
    known.add(told(company="双江晖塞饭店", place=Place(34.47, 100.245)))
    silent = known.understand(told("双江晖塞后门常年落锁"))
    assert [name.stem for name in silent.called] == ["双江晖塞"]
    named = told(company="双江晖塞饭店")
    assert set(keys.sought_keys(silent)) & keys.own_keys(named)
    assert known.understand(told("后门常年落锁")).called == ()
    known.add(told(company="商务宾馆", place=Place(34.47, 100.245)))
    assert known.understand(told("拉了十几个人的商务车")).called == ()


def test_a_name_met_in_many_places_says_less() -> None:
    known = Experience()
    for degrees in range(5):
        known.add(told(company="宏源超市", place=Place(30.0 + degrees, 100)))
    known.add(told(company="雪域酒店", place=Place(30, 100)))
    rare, common, none = (
        known.understand(told(company=name)).common for name in ("雪域酒店", "宏源超市", "")
    )
    assert none is None
    assert rare is not None
    assert common is not None
    assert rare < common


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("幸福小区3号楼2单元", "幸福小区"),
        ("大武镇雪域大酒店后面", "雪域大酒店"),
        ("团结路12号", None),
        ("大武镇团结路附近", None),
        ("", None),
    ],
)
def test_an_address_may_name_an_estate_or_an_enterprise(words: str, name: str | None) -> None:
    found = place_name(words)
    assert (found and found.core) == name
