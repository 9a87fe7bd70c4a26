"""The table of steps: its shape, and random walks of four people over it."""

import random
import uuid
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.cases.fields import FieldType
from server.cases.rules import (
    ALIVE,
    AT_THE_DESK,
    AT_THE_UNIT,
    BESIDE,
    BY_STEP,
    CLOCKS,
    CLOSED,
    GOING_ON,
    HANDLED,
    REPORTER,
    STAGE,
    STEPS,
    THE_REPORTERS,
    CaseFacts,
    Finding,
    Side,
    Sight,
    State,
    Step,
    Term,
    Transition,
    after,
    allowed_steps,
    check,
    has_right,
    paused,
    possible,
    running,
    sight,
    steps_of,
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

TODAY = date(2026, 11, 23)

GOOD: dict[str, Any] = {
    "sector_no": 3,
    "title": "仓库安全出口上锁",
    "matter": "某仓库一楼安全出口上锁，内有员工作业。",
    "risk": "orange",
    "ground": "not_safety",
    "authority": "县公安局",
    "reason": "不属于本单位职责",
    "into": str(uuid.UUID(int=900)),
    "report": str(uuid.UUID(int=901)),
    "stays": True,
    "account": "两名执法人员现场核查，情况属实。",
    "verifiers": ["才让", "卓玛"],
    "officers": ["才让", "卓玛"],
    "organiser": "县政府安委办",
    "responsible_person": "王强",
    "measures": "拆除门锁并培训员工",
    "money": 120_000,
    "deadline": "2026-12-01",
    "contingency": "整改期间专人看守出口",
    "done": "门锁已经拆除",
    "signature": {"name": "王强", "strokes": [[10, 20, 30, 40], [50, 60]]},
    "text": "您反映的问题属实，企业已经完成整改。",
    "reward": "qualifies",
    "note": "补充现场照片",
    "days": "15",
    "demand": "请于限期内完成整改并书面答复。",
    "answer": "已按要求完成整改，现予答复。",
    "published_at": "县政府网站",
}


def good_fields(
    row: Transition, finding: str = "substantiated", unit: uuid.UUID = UNITS[0]
) -> dict[str, Any]:
    values = GOOD | {"finding": finding, "unit_id": str(unit)}
    return {field.name: values[field.name] for field in row.fields}


def targets(row: Transition, source: State) -> set[State]:
    if row.target is None:
        return {source}
    return {row.target} if isinstance(row.target, State) else set(row.target.values())


class TestTable:
    def test_every_step_has_exactly_one_row(self) -> None:
        assert sorted(row.step for row in STEPS) == sorted(Step)

    def test_every_state_can_be_reached_and_leads_to_archive(self) -> None:
        reached = {State.REGISTERED}
        for _ in State:
            reached |= {
                to for row in STEPS for source in reached & set(row.sources) for to in targets(row, source)
            }
        assert reached == set(State)
        ending = {State.ARCHIVED}
        for _ in State:
            ending |= {source for row in STEPS for source in row.sources if targets(row, source) & ending}
        assert ending == set(State)

    def test_every_state_has_an_owner_who_leads_it_on(self) -> None:
        for state in State:
            owners = [row for row in STEPS if state in row.sources and row.roles and row.target]
            assert owners, state
            if state not in CLOSED | {State.OBJECTED, State.TO_PLAN, State.REPLIED}:
                assert any(not row.aside for row in owners), state

    @pytest.mark.parametrize("side", list(Side))
    def test_what_is_open_beside_can_be_closed_by_somebody_wherever_it_lasts(self, side: Side) -> None:
        closers = [row for row in STEPS if side in row.during and side in row.closes and row.roles]
        can_last = set(ALIVE)
        if side is Side.DEATH:  # a death is neither refused nor answered before the county has looked
            can_last -= {State.REFUSED, State.REPLIED}
        elif side is Side.HAND_OVER_DUE:
            can_last -= {State.HANDED_OVER}
        for state in can_last:
            assert any(state in row.sources for row in closers), (side, state)
        opened = [row for row in STEPS if side in row.opens]
        assert opened
        for row in opened:
            for source in row.sources:
                assert targets(row, source) <= set(ALIVE)
        # It cannot be taken along into the states that nobody opens.
        for row in STEPS:
            if row.target in (State.ARCHIVED, State.MERGED) and row.roles:
                assert side in row.unless

    def test_only_alive_cases_have_anything_open(self) -> None:
        assert set(ALIVE) == set(State) - {State.ARCHIVED, State.MERGED}
        for row in STEPS:
            if row.opens or row.during:
                assert set(row.sources) <= set(ALIVE), row.step

    def test_every_clock_has_one_cause_and_a_length(self) -> None:
        causes = [*STAGE.values(), *BESIDE.values(), Term.HANDLE]
        assert sorted({*causes}) == sorted(Term) == sorted(CLOCKS)
        assert all(size.amount > 0 for size in CLOCKS.values())

    def test_every_state_that_waits_for_somebody_has_a_clock(self) -> None:
        assert set(STAGE) == set(State) - CLOSED

    def test_only_the_system_takes_what_no_person_decides(self) -> None:
        by_system = {row.step for row in STEPS if not row.roles}
        assert by_system == {Step.REGISTER, Step.FIX_ON_SPOT, Step.CLOSE_WITH_PARENT}

    def test_the_signature_comes_before_the_unit_unless_lives_are_in_danger(self) -> None:
        to_the_unit = {
            row.step
            for row in STEPS
            for source in set(row.sources) - set(AT_THE_UNIT)
            if targets(row, source) & set(AT_THE_UNIT)
        }
        assert to_the_unit == {Step.SIGN, Step.TRANSFER_AT_ONCE}
        assert BY_STEP[Step.SIGN].roles == (Role.LEADER,)
        assert Side.SIGN_AFTER in BY_STEP[Step.TRANSFER_AT_ONCE].opens

    def test_what_the_reporter_is_told_in_words_is_written_for_them(self) -> None:
        for step in (
            Step.REFUSE,
            Step.REDIRECT,
            Step.REPLY,
            Step.UPHOLD,
            Step.HAND_OVER,
            Step.GRANT_EXTENSION,
        ):
            assert any(field.reporter_reads for field in BY_STEP[step].fields), step
            assert BY_STEP[step].told, step

    def test_nothing_of_the_reporter_is_in_what_the_unit_reads(self) -> None:
        for step in (Step.OBJECT, Step.WITHDRAW, Step.MERGE, Step.UNMERGE, Step.SPLIT, Step.REGISTER):
            assert not BY_STEP[step].unit_reads, step

    def test_evidence_from_the_spot_never_needs_a_choice_from_the_servers_lists(self) -> None:
        lists = {FieldType.UNIT, FieldType.SECTOR, FieldType.CASE, FieldType.REPORT}
        for row in STEPS:
            if row.from_spot:
                assert not {field.type for field in row.fields} & lists, row.step

    @pytest.mark.parametrize("finding", list(Finding))
    @pytest.mark.parametrize("step", [Step.VERIFY, Step.VERIFY_BY_COUNTY])
    def test_finding_decides_whether_something_is_to_be_mended(self, step: Step, finding: Finding) -> None:
        mended = finding in (Finding.SUBSTANTIATED, Finding.PARTLY)
        to = target(step, {"finding": finding}, State.SIGNED_FOR)
        assert to is (State.TO_PLAN if mended else State.TO_REPLY)


class TestFields:
    @pytest.mark.parametrize("row", STEPS, ids=lambda row: row.step.value)
    def test_good_fields_pass_and_each_missing_one_is_named(self, row: Transition) -> None:
        fields = good_fields(row)
        checked = check(row.step, fields, TODAY)
        assert (checked.errors, checked.values) == ({}, fields)
        required = {field.name for field in row.fields if field.required}
        assert check(row.step, {}, TODAY).errors.keys() == required

    @pytest.mark.parametrize("row", [row for row in STEPS if row.fields], ids=lambda row: row.step.value)
    def test_each_field_refuses_what_is_not_of_its_type(self, row: Transition) -> None:
        for field in row.fields:
            wrong: list[Any] = [{}, 1.5, ["甲"], [None, None]]
            if field.type is not FieldType.YES_NO:
                wrong.append(True)
            if field.type not in (FieldType.SECTOR, FieldType.MONEY):
                wrong.append(7)
            if field.type is not FieldType.TEXT:
                wrong.append("no such thing")
            for value in wrong:
                errors = check(row.step, good_fields(row) | {field.name: value}, TODAY).errors
                assert errors.keys() == {field.name}, (field.name, value)

    def test_an_unknown_field_is_named(self) -> None:
        assert check(Step.SIGN, {"pin": "1"}, TODAY).errors == {"pin": "This step has no such field."}

    @pytest.mark.parametrize(
        ("step", "name"), [(Step.VERIFY, "verifiers"), (Step.PROPOSE_HAND_OVER, "officers")]
    )
    def test_verifying_and_handing_over_take_two_different_people(self, step: Step, name: str) -> None:
        fields = good_fields(BY_STEP[step]) | {name: ["才让", " 才让 "]}
        assert check(step, fields, TODAY).errors == {name: "Please name at least 2 different persons."}

    def test_text_is_trimmed_and_measured_without_blanks(self) -> None:
        assert check(Step.RETURN, {"reason": "  不归我管 "}, TODAY).values == {"reason": "不归我管"}
        assert "at least 4" in check(Step.RETURN, {"reason": " 不归   "}, TODAY).errors["reason"]
        assert "at most 2000" in check(Step.RETURN, {"reason": "长" * 2001}, TODAY).errors["reason"]

    def test_a_null_byte_is_no_text(self) -> None:
        assert "reason" in check(Step.RETURN, {"reason": "不归我\x00管"}, TODAY).errors

    @pytest.mark.parametrize(
        ("day", "right"),
        [
            ("2026-11-23", True),
            ("2026-10-23", True),  # it may have waited a month on a phone
            ("2026-10-22", False),
            ("2027-11-24", True),
            ("2027-11-25", False),
            ("2026-02-30", False),
            ("20261201", True),
        ],
    )
    def test_a_listing_lasts_a_year_at_most(self, day: str, right: bool) -> None:
        checked = check(Step.LIST, {"reason": "久拖不改", "deadline": day}, TODAY)
        assert (checked.errors == {}) is right
        if right:
            assert date.fromisoformat(checked.values["deadline"]).isoformat() == checked.values["deadline"]

    @pytest.mark.parametrize("fen", [0, 1, 10**13])
    def test_money_is_whole_fen(self, fen: int) -> None:
        row = BY_STEP[Step.PLAN]
        assert check(Step.PLAN, good_fields(row) | {"money": fen}, TODAY).values["money"] == fen

    @pytest.mark.parametrize("fen", [-1, 10**13 + 1, "100", 0.5])
    def test_money_is_nothing_else(self, fen: Any) -> None:
        row = BY_STEP[Step.PLAN]
        assert "money" in check(Step.PLAN, good_fields(row) | {"money": fen}, TODAY).errors

    @pytest.mark.parametrize(
        "signature",
        [
            {"name": "王", "strokes": []},
            {"strokes": [[1, 2]]},
            {"name": "王强", "strokes": [[1, 1001]]},
            {"name": "王强", "strokes": [[-1, 1]]},
            {"name": "王强", "strokes": [[True, 1]]},
            {"name": "王强", "strokes": ["1,2"]},
            {"name": "王强", "strokes": "1,2"},
            {"name": "王强", "strokes": [[0] * 4001]},
            {"name": "王强", "pin": 1},
        ],
    )
    def test_a_signature_has_a_name_and_lines_on_the_paper(self, signature: dict[str, Any]) -> None:
        fields = good_fields(BY_STEP[Step.RECTIFY]) | {"signature": signature}
        assert check(Step.RECTIFY, fields, TODAY).errors.keys() == {"signature"}

    def test_a_typed_signature_is_one_without_lines(self) -> None:
        fields = good_fields(BY_STEP[Step.RECTIFY]) | {"signature": {"name": " 王强 "}}
        values = check(Step.RECTIFY, fields, TODAY).values
        assert values["signature"] == {"name": "王强", "strokes": []}

    @given(
        st.dictionaries(
            st.text(max_size=8) | st.sampled_from(sorted(GOOD)),
            st.none()
            | st.integers()
            | st.text()
            | st.lists(st.text())
            | st.dictionaries(st.text(max_size=8), st.none() | st.lists(st.integers())),
        )
    )
    def test_whatever_a_client_sends_gets_an_answer(self, fields: dict[str, Any]) -> None:
        for step in Step:
            checked = check(step, fields, TODAY)
            assert not checked.errors.keys() & checked.values.keys()


ONWARD: list[Step] = [
    Step.ARCHIVE,
    *(row.step for row in STEPS if row.during and row.closes and row.step is not Step.DECLINE_AFTER),
    Step.REPLY,
    Step.STRIKE_OFF,
    Step.RECHECK_PASS,
    Step.RECTIFY,
    Step.PLAN,
    Step.VERIFY,
    Step.SIGN_FOR,
    Step.SIGN,
    Step.ACCEPT,
    Step.UPHOLD,
    Step.UNMERGE,
]
"""What people do who want to bring a matter to its end, the first that is possible."""


def walk(chance: random.Random, most: int) -> list[tuple[CaseFacts, Transition]]:
    """A random walk of the four, the reporter and the system over the table, with every invariant of DOMAIN.md §2
    checked at each step; what was stood on and what was taken.
    """
    case = CaseFacts(State.REGISTERED, TOWN)
    way: list[tuple[CaseFacts, Transition]] = []
    for _ in range(most):
        choices = [(actor, row) for actor in FOUR for row in allowed_steps(case, actor)]
        owners = [row for _, row in choices if row.target and not (row.aside and row.step is not Step.OBJECT)]
        if case.state not in CLOSED:
            assert owners or case.open, f"a state without an owner: {case}"
            assert running(case), f"a case that nobody is waiting for: {case}"
        for side in case.open:
            closing = [row for _, row in choices if side in row.closes and side in row.during]
            assert closing, f"nobody can close {side}: {case}"
        choices += [(REPORTER, BY_STEP[step]) for step in THE_REPORTERS if possible(case, BY_STEP[step])]
        if case.state is State.MERGED:
            choices.append((SYSTEM, BY_STEP[Step.CLOSE_WITH_PARENT]))
        assert choices
        onward = [(actor, row) for actor, row in choices if not row.aside]
        actor, row = chance.choice(onward if onward and chance.random() < 0.7 else choices)
        values = good_fields(row, chance.choice(list(Finding)), chance.choice(UNITS))
        now = after(case, actor, row.step, values)
        way.append((case, row))
        _holds(case, now, actor, row)
        case = now
    return way


def _holds(case: CaseFacts, now: CaseFacts, actor: Actor, row: Transition) -> None:
    """What must be true of every single step."""
    if Term.HANDLE in running(case) and now.state in GOING_ON:
        assert Term.HANDLE in running(now), "neither return nor decline stops the whole"
    if case.state not in AT_THE_UNIT and now.state in AT_THE_UNIT:
        assert now.unit_id is not None
        assert row.step is Step.SIGN or Side.SIGN_AFTER in now.open, "no transfer without a signature"
    if now.state in AT_THE_DESK:
        assert now.unit_id is None
    if Side.SIGN_AFTER in case.open - now.open:
        assert actor.has(Role.LEADER)
    if row.step in (Step.RECHECK_PASS, Step.RECHECK_FAIL):
        assert actor.person_id != case.took[Step.RECTIFY]
    if row.step in (Step.UPHOLD, Step.OVERTURN):
        assert actor.person_id not in {case.took.get(step) for step in HANDLED}
    if row.step is Step.GRANT_EXTENSION:
        assert Step.GRANT_EXTENSION not in case.took, "an extension is granted once"
        assert actor.person_id != case.took[Step.ASK_EXTENSION]
    if Side.DEATH in case.open:
        assert row.step not in (Step.VERIFY, Step.REPLY, Step.REFUSE), "the county government verifies"
    if now.state in (State.ARCHIVED, State.MERGED):
        assert not now.open
        assert running(now) == set()
    # Each clock that begins or ends does so with its cause.
    for side, term in BESIDE.items():
        assert (term in running(now)) == (side in now.open)


class TestWalks:
    @given(st.randoms(use_true_random=False))
    def test_no_walk_of_four_people_breaks_a_rule(self, chance: random.Random) -> None:
        walk(chance, 40)

    def test_walks_reach_every_step_and_every_state(self) -> None:
        chance = random.Random(1)
        ways = [pair for _ in range(600) for pair in walk(chance, 60)]
        taken = {row.step for _, row in ways}
        # Both are the system's, at the very beginning.
        assert set(Step) - taken == {Step.REGISTER, Step.FIX_ON_SPOT}
        assert {case.state for case, _ in ways} == set(State)
        assert {side for case, _ in ways for side in case.open} == set(Side)

    @given(st.randoms(use_true_random=False))
    def test_from_wherever_a_walk_ends_four_willing_people_reach_the_archive(
        self, chance: random.Random
    ) -> None:
        *_, (case, _) = walk(chance, 30)
        for _ in range(25):
            steps = [(actor, row) for actor in FOUR for row in allowed_steps(case, actor)]
            steps = [(actor, row) for actor, row in steps if row.step in ONWARD]
            if case.state is State.ARCHIVED:
                return
            assert steps, f"a dead end: {case}"
            actor, row = min(steps, key=lambda one: ONWARD.index(one[1].step))
            case = after(case, actor, row.step, good_fields(row))
        pytest.fail(f"no way to the archive from {case}")

    def test_a_suspended_matter_keeps_its_clocks_and_those_of_others_go_on(self) -> None:
        case = CaseFacts(
            State.RECTIFYING,
            TOWN,
            UNITS[0],
            frozenset({Side.SUSPENDED, Side.LETTER}),
            {Step.ACCEPT: DESK.person_id},
        )
        assert running(case) == {Term.RECTIFY, Term.HANDLE, Term.LETTER}
        assert paused(case) == {Term.RECTIFY, Term.HANDLE}
        assert paused(replace(case, open=frozenset({Side.LETTER}))) == set()


class TestSight:
    def test_a_unit_sees_a_case_only_after_the_signature_and_until_it_returns_it(self) -> None:
        seen = {state for state in State if sight(CaseFacts(state, TOWN, UNITS[0]), HANDLERS[0])}
        hidden = {
            *AT_THE_DESK,
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

    def test_a_role_for_one_unit_or_one_place_reaches_no_further(self) -> None:
        here, there = (CaseFacts(State.TRANSFERRED, TOWN, unit) for unit in UNITS)
        elsewhere = replace(here, area_path="632621/632621101")
        for role in (Role.DESK, Role.LEADER):
            of_the_unit = person(201, Grant(role, None, UNITS[0]))
            assert (sight(here, of_the_unit), sight(there, of_the_unit)) == (Sight.FULL, None)
        in_the_town = person(202, Grant(Role.HANDLER, TOWN, UNITS[0]))
        assert (sight(here, in_the_town), sight(elsewhere, in_the_town)) == (Sight.UNIT, None)

    def test_an_inspector_follows_own_hazards_and_rechecks_in_the_own_area(self) -> None:
        assert sight(CaseFacts(State.REGISTERED, TOWN), INSPECTOR) is None
        own = CaseFacts(State.REGISTERED, TOWN, reporters=frozenset({INSPECTOR.person_id or UNITS[0]}))
        assert sight(own, INSPECTOR) is Sight.UNIT
        assert allowed_steps(own, INSPECTOR) == []
        waiting = CaseFacts(State.TO_RECHECK, TOWN, UNITS[0], took={Step.RECTIFY: HANDLERS[0].person_id})
        assert sight(waiting, INSPECTOR) is Sight.UNIT
        assert {row.step for row in allowed_steps(waiting, INSPECTOR)} == {
            Step.RECHECK_PASS,
            Step.RECHECK_FAIL,
        }
        for_a_unit = person(111, Grant(Role.INSPECTOR, TOWN, UNITS[0]))
        seen = [sight(replace(waiting, unit_id=unit), for_a_unit) for unit in UNITS]
        assert seen == [Sight.UNIT, None]

    def test_nobody_rechecks_the_own_work_in_any_hat(self) -> None:
        two_hats = FOUR[2]
        case = CaseFacts(State.TO_RECHECK, TOWN, UNITS[0], took={Step.RECTIFY: two_hats.person_id})
        assert {row.step for row in allowed_steps(case, two_hats)}.isdisjoint(
            {Step.RECHECK_PASS, Step.RECHECK_FAIL}
        )
        # The phone gets the steps of the role that are possible now, and the name of who must not take them.
        assert {row.step for row in steps_of(case, Role.INSPECTOR)} == {Step.RECHECK_PASS, Step.RECHECK_FAIL}

    def test_the_system_takes_no_step_of_a_person(self) -> None:
        for state in State:
            assert allowed_steps(CaseFacts(state, TOWN, UNITS[0]), SYSTEM) == []
