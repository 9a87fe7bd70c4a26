"""Whose is it? Every rule with its name, and never nobody."""

import uuid
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.routing.rules import (
    HABIT,
    MOST_RETURNS,
    CountyRule,
    Edge,
    PlaceKnown,
    Question,
    Returned,
    Rule,
    SectorRow,
    UnitFacts,
    propose,
)


def unit(name: str, enforces: bool = True) -> UnitFacts:
    return UnitFacts(uuid.uuid5(uuid.NAMESPACE_URL, name), name, enforces)


FIRE, POLICE, TOWN = unit("县消防救援大队"), unit("县公安局"), unit("大武镇人民政府")
EMERGENCY, OFFICE = unit("县应急管理局"), unit("县安委办")
AIRPORT = unit("果洛机场", enforces=False)
FIRE_ROW = SectorRow(6, "消防", 0.9, FIRE, (POLICE,), by_place=True)
DUTY_ROW = SectorRow(2, "主体责任", 0.8, EMERGENCY, (POLICE,), by_place=True, cross_cutting=True)
AIR_ROW = SectorRow(13, "民航", 0.9, AIRPORT, (unit("邮政", enforces=False), EMERGENCY), by_place=True)


def question(*sectors: SectorRow, **more: object) -> Question:
    whole = Question(sectors, True, TOWN, PlaceKnown.BY_REPORT, OFFICE)
    return replace(whole, **more)  # type: ignore[arg-type]


def codes(asked: Question) -> set[str]:
    return {reason["code"] for reason in propose(asked).reasons}


@pytest.mark.parametrize(
    ("asked", "whose", "rule"),
    [
        (question(FIRE_ROW), FIRE, Rule.SECTOR_LEAD),
        (question(DUTY_ROW), EMERGENCY, Rule.CROSS_CUTTING_LEAD),
        (question(FIRE_ROW, decided=False), FIRE, Rule.LIKELIEST_SECTOR_LEAD),
        (question(FIRE_ROW, town=None, place=PlaceKnown.MISSING), FIRE, Rule.SECTOR_LEAD_WITHOUT_PLACE),
        (question(), OFFICE, Rule.COORDINATING_OFFICE_NO_SECTOR),
        (question(FIRE_ROW, returned=[Returned(FIRE, "不归我们")]), TOWN, Rule.TOWN_BY_PLACE),
        (
            question(FIRE_ROW, replace(DUTY_ROW, p=0.2), returned=[Returned(FIRE, "不归我们")]),
            EMERGENCY,
            Rule.NEXT_SECTOR_LEAD,
        ),
        (
            question(FIRE_ROW, replace(DUTY_ROW, p=0.05), returned=[Returned(FIRE, "不归我们")]),
            TOWN,
            Rule.TOWN_BY_PLACE,
        ),
        (question(AIR_ROW), AIRPORT, Rule.SECTOR_LEAD),
        (question(AIR_ROW, returned=[Returned(AIRPORT, "无执法权")]), EMERGENCY, Rule.ENFORCEMENT_UNIT),
        (
            question(FIRE_ROW, returned=[Returned(FIRE, "不归我们"), Returned(TOWN, "也不归我们")]),
            OFFICE,
            Rule.COORDINATING_OFFICE_RETURNED,
        ),
        (
            question(FIRE_ROW, DUTY_ROW, returned=[Returned(FIRE, "不是")] * MOST_RETURNS),
            OFFICE,
            Rule.COORDINATING_OFFICE_RETURNED,
        ),
    ],
)
def test_each_case_has_its_unit_and_the_name_of_its_rule(
    asked: Question, whose: UnitFacts, rule: Rule
) -> None:
    proposal = propose(asked)
    assert (proposal.unit.name, proposal.rule) == (whose.name, rule)


def test_a_lead_unit_without_power_has_an_enforcement_unit_beside_it() -> None:
    proposal = propose(question(AIR_ROW))
    assert proposal.enforcement_unit == EMERGENCY
    params = {"unit": "果洛机场", "enforcement_unit": "县应急管理局"}
    assert {"code": "lead_cannot_enforce", "params": params} in proposal.reasons
    assert propose(question(FIRE_ROW)).enforcement_unit is None


def test_the_town_of_the_place_is_named_beside_the_lead_unit() -> None:
    assert {"code": "responsible_town", "params": {"unit": TOWN.name}} in propose(question(FIRE_ROW)).reasons


@pytest.mark.parametrize("place", [PlaceKnown.MISSING, PlaceKnown.OUTSIDE, PlaceKnown.BY_ENTERPRISE])
def test_how_the_place_was_told_is_a_reason(place: PlaceKnown) -> None:
    assert place.value in codes(question(FIRE_ROW, place=place))
    assert place.value in codes(question(place=place))


def test_a_return_is_shown_with_its_reason() -> None:
    proposal = propose(question(FIRE_ROW, returned=[Returned(FIRE, "属于燃气")]))
    assert {"code": "returned_by", "params": {"unit": FIRE.name, "reason": "属于燃气"}} in proposal.reasons


def test_an_unsure_sector_and_a_missing_one_say_so() -> None:
    assert "sector_uncertain" in codes(question(FIRE_ROW, decided=False))
    assert "no_sector" in codes(question())


OWN = CountyRule(3, 1, "商场归商务", POLICE, area_path="63/大武", sector_no=6)


@pytest.mark.parametrize(
    ("changed", "more", "fits"),
    [
        ({}, {"area_path": "63/大武/1"}, True),
        ({}, {"area_path": "63/大武镇"}, False),
        ({}, {"area_path": None}, False),
        ({"sector_no": 9}, {"area_path": "63/大武"}, False),
        ({"hazard_type": "exit_blocked"}, {"area_path": "63/大武"}, False),
        ({"hazard_type": "exit_blocked"}, {"area_path": "63/大武", "hazard_type": "exit_blocked"}, True),
        ({"enterprise_id": FIRE.id}, {"area_path": "63/大武"}, False),
        ({"unit": None}, {"area_path": "63/大武", "town": None}, False),
    ],
)
def test_a_county_rule_goes_before_the_lead_unit_where_it_fits(
    changed: dict[str, object], more: dict[str, object], fits: bool
) -> None:
    rule = replace(OWN, **changed)  # type: ignore[arg-type]
    proposal = propose(question(FIRE_ROW, county_rules=[rule], **more))
    assert (proposal.rule is Rule.COUNTY_RULE) == fits
    assert proposal.county_rule == (rule if fits else None)
    named = {"code": "county_rule", "params": {"name": rule.name, "set": 3, "no": 1}}
    assert (named in proposal.reasons) == fits


def test_the_first_of_several_rules_decides_and_the_others_are_told() -> None:
    first, second = replace(OWN, area_path=None), replace(OWN, area_path=None, position=2, unit=TOWN)
    proposal = propose(question(FIRE_ROW, county_rules=[first, second]))
    assert proposal.unit == POLICE
    assert {"code": "other_rules_too", "params": {"n": 1, "name": OWN.name}} in proposal.reasons
    proposal = propose(question(FIRE_ROW, county_rules=[first, second], returned=[Returned(POLICE, "不是")]))
    assert (proposal.unit, proposal.county_rule) == (TOWN, second)


def test_a_county_rule_works_without_a_sector_and_keeps_its_three_units_apart() -> None:
    rule = CountyRule(1, 1, "水电站", AIRPORT, responsible=(TOWN,), enforcement=EMERGENCY)
    proposal = propose(question(county_rules=[rule]))
    assert (proposal.unit, proposal.enforcement_unit) == (AIRPORT, EMERGENCY)
    assert {"code": "responsible_units", "params": {"units": [TOWN.name]}} in proposal.reasons


def test_a_unit_that_returns_such_matters_comes_after_the_others_with_the_reason() -> None:
    asked = question(FIRE_ROW, replace(DUTY_ROW, p=0.3), habits={FIRE.id: HABIT})
    proposal = propose(asked)
    assert (proposal.unit, proposal.rule) == (EMERGENCY, Rule.NEXT_SECTOR_LEAD)
    assert {"code": "returns_such", "params": {"unit": FIRE.name, "n": HABIT}} in proposal.reasons
    alone = replace(asked, sectors=[FIRE_ROW], town=None)
    assert propose(alone).unit == FIRE
    by_rule = replace(asked, county_rules=[replace(OWN, unit=FIRE, area_path=None)])
    assert propose(by_rule).unit == FIRE


@pytest.mark.parametrize("edge", Edge)
def test_a_place_on_an_edge_is_told(edge: Edge) -> None:
    assert edge.value in codes(question(FIRE_ROW, edge=edge))


units = st.sampled_from([FIRE, POLICE, TOWN, EMERGENCY, OFFICE, AIRPORT])
sector_rows = st.builds(
    SectorRow,
    st.integers(1, 18),
    st.just("行业"),
    st.floats(0, 1),
    units,
    st.lists(units, max_size=3).map(tuple),
    st.booleans(),
    st.booleans(),
)
questions = st.builds(
    Question,
    st.lists(sector_rows, max_size=3),
    st.booleans(),
    st.one_of(st.none(), units),
    st.sampled_from(PlaceKnown),
    st.just(OFFICE),
    st.lists(st.builds(Returned, units, st.just("不归我们")), max_size=5),
    county_rules=st.lists(
        st.builds(CountyRule, st.just(1), st.integers(1, 9), st.just("规则"), st.one_of(st.none(), units)),
        max_size=3,
    ),
    habits=st.dictionaries(st.sampled_from([FIRE.id, TOWN.id, EMERGENCY.id]), st.integers(HABIT, 9)),
)


@given(questions)
def test_somebody_is_always_responsible_and_whoever_returned_it_only_as_the_last(asked: Question) -> None:
    proposal = propose(asked)
    returned = {r.unit.id for r in asked.returned}
    assert proposal.unit.id not in returned or proposal.rule.startswith("coordinating_office")
    assert sum(reason["code"] == "returned_by" for reason in proposal.reasons) == len(asked.returned)
