"""The table of steps: its shape, and random walks of four people over it."""

import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.cases.rules import (
    AFTER_FINDING,
    ALL_TERMS,
    BY_STEP,
    CLOCKS,
    FINAL,
    STEPS,
    CaseFacts,
    FieldType,
    Finding,
    Sight,
    State,
    Step,
    Term,
    Transition,
    after,
    allowed_steps,
    check,
    has_right,
    sight,
    target,
)
from server.identity.rules import SYSTEM, Actor, Grant, Role

UNITS = [uuid.UUID(int=n) for n in (1, 2)]
TOWN = "632621/632621100"


def person(number: int, *grants: Grant) -> Actor:
    return Actor(uuid.UUID(int=number), f"person {number}", grants)


DESK = person(101, Grant(Role.DESK, "632621"))
LEADER = person(102, Grant(Role.LEADER))
HANDLERS = [person(103 + n, Grant(Role.HANDLER, unit_id=unit)) for n, unit in enumerate(UNITS)]
INSPECTOR = person(110, Grant(Role.INSPECTOR, TOWN))
# Four people, one of whom wears two hats: the handler of unit 1 also inspects the town.
FOUR = [DESK, LEADER, person(103, *HANDLERS[0].grants, Grant(Role.INSPECTOR, TOWN)), HANDLERS[1]]

GOOD: dict[str, Any] = {
    "sector_no": 3,
    "title": "仓库安全出口上锁",
    "matter": "某仓库一楼安全出口上锁，内有员工作业。",
    "risk": "orange",
    "ground": "not_safety",
    "authority": "县公安局",
    "reason": "不属于本单位职责",
    "into": str(uuid.UUID(int=900)),
    "account": "两名执法人员现场核查，情况属实。",
    "verifiers": ["才让", "卓玛"],
    "measures": "立即拆除门锁并培训",
    "responsible_person": "王强",
    "text": "您反映的问题属实，企业已经完成整改。",
}


def good_fields(
    row: Transition, finding: str = "substantiated", unit: uuid.UUID = UNITS[0]
) -> dict[str, Any]:
    values = GOOD | {"finding": finding, "unit_id": str(unit)}
    return {field.name: values[field.name] for field in row.fields if field.name in values}


class TestTable:
    def test_every_step_has_exactly_one_row(self) -> None:
        assert sorted(row.step for row in STEPS) == sorted(Step)

    def test_final_states_are_the_four_ends(self) -> None:
        assert {State.ARCHIVED, State.REFUSED, State.REDIRECTED, State.MERGED} == FINAL

    def test_every_state_can_be_reached_and_leads_to_an_end(self) -> None:
        def targets(row: Transition) -> set[State]:
            return {row.target} if row.target else set(AFTER_FINDING.values())

        reached = {State.REGISTERED}
        for _ in State:
            reached |= {to for row in STEPS if reached & set(row.sources) for to in targets(row)}
        assert reached == set(State)
        ending = set(FINAL)
        for _ in State:
            ending |= {source for row in STEPS if targets(row) & ending for source in row.sources}
        assert ending == set(State)

    def test_every_state_that_is_not_an_end_has_an_owner(self) -> None:
        for state in set(State) - FINAL:
            assert any(state in row.sources and row.roles for row in STEPS), state

    def test_every_end_stops_every_clock(self) -> None:
        for row in STEPS:
            if row.target in FINAL:
                assert row.ends == ALL_TERMS, row.step

    def test_every_clock_is_started_by_a_step_and_has_a_source(self) -> None:
        assert {term for row in STEPS for term in row.starts} == set(Term) == set(CLOCKS)
        assert all(size.source for size in CLOCKS.values())

    def test_no_machine_takes_a_step_that_a_person_decides(self) -> None:
        by_system = {row.step for row in STEPS if not row.roles}
        assert by_system == {Step.REGISTER, Step.FIX_ON_SPOT}

    @pytest.mark.parametrize("finding", list(Finding))
    def test_finding_decides_whether_something_is_to_be_mended(self, finding: Finding) -> None:
        mended = finding in (Finding.SUBSTANTIATED, Finding.PARTLY)
        assert target(Step.VERIFY, {"finding": finding}) is (State.RECTIFYING if mended else State.TO_REPLY)


class TestFields:
    @pytest.mark.parametrize("row", STEPS, ids=lambda row: row.step.value)
    def test_good_fields_pass_and_each_missing_one_is_named(self, row: Transition) -> None:
        fields = good_fields(row)
        assert check(row.step, fields).errors == {}
        required = {field.name for field in row.fields if field.required}
        assert check(row.step, {}).errors.keys() == required

    @pytest.mark.parametrize("row", [row for row in STEPS if row.fields], ids=lambda row: row.step.value)
    def test_each_field_refuses_what_is_not_of_its_type(self, row: Transition) -> None:
        for field in row.fields:
            wrong: list[Any] = [{}, 1.5, True, ["甲"], [None, None]]
            if field.type is not FieldType.SECTOR:
                wrong.append(7)
            if field.type is not FieldType.TEXT:
                wrong.append("no such thing")
            for value in wrong:
                errors = check(row.step, good_fields(row) | {field.name: value}).errors
                assert errors.keys() == {field.name}, (field.name, value)

    def test_an_unknown_field_is_named(self) -> None:
        assert check(Step.SIGN, {"pin": "1"}).errors == {"pin": "This step has no such field."}

    def test_verifying_takes_two_different_people(self) -> None:
        row = BY_STEP[Step.VERIFY]
        errors = check(Step.VERIFY, good_fields(row) | {"verifiers": ["才让", " 才让 "]}).errors
        assert errors == {"verifiers": "Please name at least 2 different persons."}

    def test_text_is_trimmed_and_measured_without_blanks(self) -> None:
        assert check(Step.RETURN, {"reason": "  不归我管 "}).values == {"reason": "不归我管"}
        assert "at least 4" in check(Step.RETURN, {"reason": " 不归   "}).errors["reason"]
        assert "at most 2000" in check(Step.RETURN, {"reason": "长" * 2001}).errors["reason"]

    def test_a_null_byte_is_no_text(self) -> None:
        assert "reason" in check(Step.RETURN, {"reason": "不归我\x00管"}).errors

    @given(st.dictionaries(st.text(max_size=8), st.none() | st.integers() | st.text() | st.lists(st.text())))
    def test_whatever_a_client_sends_gets_an_answer(self, fields: dict[str, Any]) -> None:
        for step in Step:
            checked = check(step, fields)
            assert not checked.errors.keys() & checked.values.keys()


class TestWalks:
    @settings(max_examples=300, deadline=None)
    @given(st.data())
    def test_no_walk_of_four_people_gets_stuck(self, data: st.DataObject) -> None:
        case = CaseFacts(State.REGISTERED, TOWN)
        clocks = {Term.DECIDE}
        for _ in range(40):
            choices = [(actor, row) for actor in FOUR for row in allowed_steps(case, actor)]
            if case.state in FINAL:
                assert choices == []
                assert clocks == set()
                return
            assert choices, case
            assert case.state is State.REPLIED or clocks, "a case that nobody is waiting for"
            if case.state is State.TO_RECHECK:
                assert case.rectified_by is not None
                assert all(actor.person_id != case.rectified_by for actor, _ in choices)
            actor, row = data.draw(st.sampled_from(choices))
            assert sight(case, actor) is not None, "a step on what one cannot see"
            fields = good_fields(
                row, data.draw(st.sampled_from(list(Finding))), data.draw(st.sampled_from(UNITS))
            )
            checked = check(row.step, fields)
            assert checked.errors == {}
            before, case = case, after(case, actor, row.step, checked.values)
            clocks = (clocks - set(row.ends)) | set(row.starts)
            if row.step is Step.RETURN:
                assert Term.HANDLE in clocks, "a return never stops the clock of the whole"
            if before.state is State.TO_SIGN and row.step is Step.SIGN:
                assert case.unit_id is not None

    @settings(max_examples=200, deadline=None)
    @given(st.sampled_from(list(State)), st.sampled_from([*FOUR, INSPECTOR, SYSTEM]), st.sampled_from(UNITS))
    def test_who_may_take_a_step_sees_the_case(self, state: State, actor: Actor, unit: uuid.UUID) -> None:
        case = CaseFacts(state, TOWN, unit)
        if allowed_steps(case, actor):
            assert sight(case, actor) is not None


class TestSight:
    def test_a_unit_sees_a_case_only_after_the_signature_and_until_it_returns_it(self) -> None:
        seen = {state for state in State if sight(CaseFacts(state, TOWN, UNITS[0]), HANDLERS[0])}
        hidden = {
            State.REGISTERED,
            State.TO_SIGN,
            State.RETURNED,
            State.REFUSED,
            State.REDIRECTED,
            State.MERGED,
        }
        assert seen == set(State) - hidden

    def test_a_unit_never_sees_all_and_another_unit_nothing(self) -> None:
        case = CaseFacts(State.TRANSFERRED, TOWN, UNITS[0])
        assert sight(case, HANDLERS[0]) is Sight.UNIT
        assert sight(case, HANDLERS[1]) is None

    def test_desk_of_another_town_sees_nothing(self) -> None:
        other = person(200, Grant(Role.DESK, "632621/632621101"))
        case = CaseFacts(State.REGISTERED, TOWN)
        assert sight(case, other) is None
        assert not has_right(case, other, Step.ACCEPT)

    def test_an_inspector_follows_own_hazards_and_rechecks_in_the_own_area(self) -> None:
        assert sight(CaseFacts(State.REGISTERED, TOWN), INSPECTOR) is None
        own = CaseFacts(State.REGISTERED, TOWN, reporters=frozenset({INSPECTOR.person_id or UNITS[0]}))
        assert sight(own, INSPECTOR) is Sight.UNIT
        assert allowed_steps(own, INSPECTOR) == []
        waiting = CaseFacts(State.TO_RECHECK, TOWN, UNITS[0], HANDLERS[0].person_id)
        assert sight(waiting, INSPECTOR) is Sight.UNIT
        assert {row.step for row in allowed_steps(waiting, INSPECTOR)} == {
            Step.RECHECK_PASS,
            Step.RECHECK_FAIL,
        }

    def test_nobody_rechecks_the_own_work_in_any_hat(self) -> None:
        two_hats = FOUR[2]
        case = CaseFacts(State.TO_RECHECK, TOWN, UNITS[0], two_hats.person_id)
        assert allowed_steps(case, two_hats) == []

    def test_the_system_takes_no_step_of_a_person(self) -> None:
        for state in State:
            assert allowed_steps(CaseFacts(state, TOWN, UNITS[0]), SYSTEM) == []
