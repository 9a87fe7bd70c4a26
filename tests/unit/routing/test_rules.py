"""Whose is it? Every rule with its name, and never nobody."""

import uuid
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.routing.rules import (
    MOST_RETURNS,
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
)


@given(questions)
def test_somebody_is_always_responsible_and_whoever_returned_it_only_as_the_last(asked: Question) -> None:
    proposal = propose(asked)
    returned = {r.unit.id for r in asked.returned}
    assert proposal.unit.id not in returned or proposal.rule.startswith("coordinating_office")
    assert sum(reason["code"] == "returned_by" for reason in proposal.reasons) == len(asked.returned)
