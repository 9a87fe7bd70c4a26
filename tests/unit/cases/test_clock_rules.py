"""When terms end, what pausing and extending do to them, which rule holds, and who hears when."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.cases.clock_rules import (
    LADDER,
    WARN,
    ClockRule,
    Matter,
    Scope,
    choose,
    default_rule,
    due,
    extended,
    extension_fault,
    handle_due,
    ladder,
    open_stages,
    resumed,
    stages,
)
from server.cases.rules import AT_THE_UNIT, URGENT_CLOCKS, Days, State, Term
from server.core.calendar import STATE_COUNCIL, UnknownYear, day_of, end_of
from server.identity.rules import Role

START = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # 10:00 on Monday in China
MOMENTS = st.integers(0, 15 * 365 * 24 * 3600).map(
    lambda s: datetime(2010, 1, 1, tzinfo=UTC) + timedelta(seconds=s)
)
SPANS = st.timedeltas(timedelta(0), timedelta(days=40))
AMOUNTS = st.integers(1, 90)
KINDS = st.sampled_from(Days)


def rule(amount: int = 15, days: Days = Days.NATURAL, **more: object) -> ClockRule:
    return ClockRule(amount, days, "a test", **more)  # type: ignore[arg-type]


class TestEnds:
    def test_a_tip_is_handled_sixty_natural_days_from_acceptance(self) -> None:
        end = due(default_rule(Term.HANDLE, False), START, STATE_COUNCIL)
        assert end == datetime(2027, 1, 22, 15, 59, 59, tzinfo=UTC)

    def test_a_signature_takes_three_days(self) -> None:
        end = due(default_rule(Term.SIGN, False), START, STATE_COUNCIL)
        assert end == datetime(2026, 11, 26, 15, 59, 59, tzinfo=UTC)

    def test_a_unit_signs_within_two_working_days(self) -> None:
        friday = datetime(2026, 11, 27, 2, 0, tzinfo=UTC)
        end = due(default_rule(Term.SIGN_FOR, False), friday, STATE_COUNCIL)
        assert end == datetime(2026, 12, 1, 15, 59, 59, tzinfo=UTC)

    def test_working_days_of_an_unknown_year_are_not_guessed(self) -> None:
        with pytest.raises(UnknownYear):
            due(rule(2, Days.WORKING), datetime(2026, 12, 31, 2, 0, tzinfo=UTC), STATE_COUNCIL)

    def test_an_inspectors_day_shortens_the_whole_but_never_lengthens_it(self) -> None:
        def until(wanted: date | None) -> datetime:
            return handle_due(default_rule(Term.HANDLE, False), START, wanted, STATE_COUNCIL)

        assert until(date(2026, 12, 1)) == datetime(2026, 12, 1, 15, 59, 59, tzinfo=UTC)
        by_law = until(None)
        assert until(date(2031, 1, 1)) == by_law
        assert until(date(2026, 11, 23)) == by_law, "a day that is over is no deadline"

    @given(MOMENTS, AMOUNTS, KINDS)
    def test_a_longer_term_ends_later_and_never_before_it_began(
        self, start: datetime, amount: int, days: Days
    ) -> None:
        ends = [due(rule(n, days), start, STATE_COUNCIL) for n in (amount, amount + 1)]
        assert start < ends[0] < ends[1]

    @given(MOMENTS, AMOUNTS)
    def test_a_term_of_working_days_ends_on_one_and_holds_exactly_so_many(
        self, start: datetime, amount: int
    ) -> None:
        end = day_of(due(rule(amount, Days.WORKING), start, STATE_COUNCIL))
        assert STATE_COUNCIL.is_working(end)
        assert STATE_COUNCIL.between(day_of(start), end) == amount


class TestPauses:
    def test_what_was_left_then_is_left_now(self) -> None:
        fifteen = rule(15, Days.WORKING)
        start = datetime(2025, 9, 24, 2, 0, tzinfo=UTC)
        end = due(fifteen, start, STATE_COUNCIL)
        assert day_of(end) == date(2025, 10, 21)
        stopped, again = datetime(2025, 9, 26, 2, 0, tzinfo=UTC), datetime(2025, 10, 13, 2, 0, tzinfo=UTC)
        # Two of the fifteen days were used (the 25th and 26th): thirteen are left after the 13th of October.
        assert day_of(resumed(fifteen, end, stopped, again, STATE_COUNCIL)) == date(2025, 10, 30)

    @given(MOMENTS, AMOUNTS, KINDS, SPANS, SPANS)
    def test_a_pause_never_shortens_and_what_is_over_stays_over(
        self, start: datetime, amount: int, days: Days, before: timedelta, length: timedelta
    ) -> None:
        one = rule(amount, days)
        end = due(one, start, STATE_COUNCIL)
        stopped = start + before
        after = resumed(one, end, stopped, stopped + length, STATE_COUNCIL)
        assert after >= end
        if stopped >= end or not length:
            assert after == end

    @given(MOMENTS, AMOUNTS, st.sampled_from([Days.HOURS, Days.NATURAL]), SPANS, SPANS, SPANS)
    def test_two_pauses_with_nothing_between_are_one(
        self, start: datetime, amount: int, days: Days, before: timedelta, first: timedelta, second: timedelta
    ) -> None:
        one = rule(amount, days)
        end, stopped = due(one, start, STATE_COUNCIL), start + before
        middle, last = stopped + first, stopped + first + second
        whole = resumed(one, end, stopped, last, STATE_COUNCIL)
        halves = resumed(one, resumed(one, end, stopped, middle, STATE_COUNCIL), middle, last, STATE_COUNCIL)
        assert halves == whole

    @given(MOMENTS, AMOUNTS, SPANS, SPANS)
    def test_the_working_days_left_are_the_same_after_a_pause(
        self, start: datetime, amount: int, before: timedelta, length: timedelta
    ) -> None:
        one = rule(amount, Days.WORKING)
        end, stopped = due(one, start, STATE_COUNCIL), start + before
        again = stopped + length
        if stopped >= end:
            return
        left = STATE_COUNCIL.between(day_of(stopped), day_of(end))
        after = resumed(one, end, stopped, again, STATE_COUNCIL)
        assert STATE_COUNCIL.between(day_of(again), day_of(after)) == left


class TestExtensions:
    HANDLE = default_rule(Term.HANDLE, False)

    @pytest.mark.parametrize(
        ("already", "amount", "possible"),
        [(0, 30, True), (0, 1, True), (0, 31, False), (0, 0, False), (1, 1, False)],
    )
    def test_once_by_at_most_thirty_days(self, already: int, amount: int, possible: bool) -> None:
        assert (extension_fault(self.HANDLE, already, amount) is None) is possible

    def test_the_signature_of_danger_cannot_be_put_off(self) -> None:
        assert extension_fault(default_rule(Term.SIGN_AFTER, True), 0, 1) is not None

    @given(MOMENTS, AMOUNTS, KINDS)
    def test_an_extension_of_a_term_is_a_longer_term(self, start: datetime, more: int, days: Days) -> None:
        end = due(rule(10, days), start, STATE_COUNCIL)
        assert extended(rule(10, days), end, more, STATE_COUNCIL) == due(
            rule(10 + more, days), start, STATE_COUNCIL
        )


class TestChoice:
    DAY = date(2026, 11, 23)
    MATTER = Matter("632621/town/grid", "tip", 6, "locked_exit", urgent=False)

    def rows(self, *scopes: Scope) -> list[tuple[Scope, ClockRule]]:
        return [(scope, rule(n)) for n, scope in enumerate(scopes, 1)]

    def test_without_a_row_the_default_of_the_table_holds(self) -> None:
        assert choose([], Term.HANDLE, self.MATTER, self.DAY) == default_rule(Term.HANDLE, False)

    def test_the_closest_row_wins_and_among_equals_the_newer(self) -> None:
        new_year = date(2026, 1, 1)
        rows = self.rows(
            Scope(Term.DECIDE, new_year),
            Scope(Term.DECIDE, new_year, area_path="632621/town"),
            Scope(Term.DECIDE, new_year, sector_no=6),
            Scope(Term.DECIDE, date(2026, 6, 1), sector_no=6),
            Scope(Term.DECIDE, date(2027, 1, 1), sector_no=6),
            Scope(Term.DECIDE, new_year, valid_to=date(2026, 11, 22), hazard_type="locked_exit"),
        )
        assert choose(rows, Term.DECIDE, self.MATTER, self.DAY).amount == 4
        assert choose(rows, Term.DECIDE, self.MATTER, date(2026, 11, 22)).amount == 6
        elsewhere = Matter("632621/town2", "tip", 3, None, urgent=False)
        assert choose(rows, Term.DECIDE, elsewhere, self.DAY).amount == 1
        assert choose(rows, Term.SIGN, self.MATTER, self.DAY) == default_rule(Term.SIGN, False)

    def test_an_ordinary_row_does_not_lengthen_what_danger_shortens(self) -> None:
        danger = Matter("632621", "tip", None, None, urgent=True)
        for term in URGENT_CLOCKS:
            ordinary = Scope(term, date(2026, 1, 1))
            assert choose(self.rows(ordinary), term, danger, self.DAY) == default_rule(term, True)
            meant = Scope(term, date(2026, 1, 1), urgent=True)
            assert choose(self.rows(ordinary, meant), term, danger, self.DAY).amount == 2


class TestStages:
    def test_whoever_has_to_act_hears_first_and_then_each_rung_above(self) -> None:
        assert ladder(Term.SIGN_FOR, State.TRANSFERRED) == LADDER
        assert ladder(Term.DECIDE, State.REGISTERED) == (Role.DESK, Role.LEADER)
        assert ladder(Term.SIGN, State.TO_SIGN) == (Role.LEADER,)
        for state in AT_THE_UNIT:
            assert ladder(Term.SIGN_AFTER, state) == (Role.LEADER,)
            assert ladder(Term.LETTER, state) == LADDER

    def test_every_clock_has_somebody_to_tell_but_the_reporters_own(self) -> None:
        untold = {term for term in Term for state in State if not ladder(term, state)}
        assert untold == {Term.OBJECTION}
        assert stages(rule(10), START, end_of(date(2026, 12, 3)), ladder(Term.OBJECTION, State.REPLIED)) == []

    def test_a_warning_before_the_end_and_a_rung_a_day_after_it(self) -> None:
        end = end_of(date(2026, 12, 8))
        found = stages(rule(15), START, end, LADDER)
        assert [stage.name for stage in found] == [WARN, "handler", "unit_head", "desk", "leader"]
        assert day_of(found[0].at) == date(2026, 12, 5)
        assert [stage.at - end for stage in found[1:]] == [timedelta(days=n) for n in range(4)]

    @given(MOMENTS, AMOUNTS, KINDS, SPANS, st.sets(st.sampled_from([WARN, *LADDER])))
    def test_each_is_said_once_and_no_warning_comes_too_late(
        self, start: datetime, amount: int, days: Days, later: timedelta, done: set[str]
    ) -> None:
        end = due(rule(amount, days), start, STATE_COUNCIL)
        left = open_stages(stages(rule(amount, days), start, end, LADDER), done, end, start + later)
        names = [stage.name for stage in left]
        assert len(names) == len(set(names))
        assert not set(names) & done
        assert (WARN in names) == (WARN not in done and start + later <= end)
        assert left == sorted(left, key=lambda stage: stage.at)

    def test_a_rule_survives_being_kept_with_its_clock(self) -> None:
        for term in Term:
            for urgent in (False, True):
                one = default_rule(term, urgent)
                assert ClockRule.of(one.facts()) == one
