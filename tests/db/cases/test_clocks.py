"""Clocks in PostgreSQL: rules that a county changes, warnings and climbing, pauses, extensions, a year in seconds."""

from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from server.cases import clocks
from server.cases.models import Case, CaseClock, ClockRuleRow, ClockStage
from server.cases.rules import Step, Term
from server.core.calendar import day_of
from server.core.calendar_table import keep_year
from server.core.errors import Conflict, Invalid
from server.identity.models import RoleGrant
from server.identity.rules import Role
from server.imports import load_table
from server.notices.models import Notice
from tests.factories.county import ACCEPT, County


def running(county: County, case: Case, term: Term) -> CaseClock:
    county.session.flush()
    return county.session.scalars(
        sa.select(CaseClock).where(
            CaseClock.case_id == case.id, CaseClock.name == term, CaseClock.ended_at.is_(None)
        )
    ).one()


def last_day(clock: CaseClock) -> date | None:
    return day_of(clock.due_at) if clock.due_at else None


def sweep(county: County) -> None:
    while clocks.sweep(county.session, county.clock):
        pass


def told(county: County, case: Case) -> list[tuple[str, str, str]]:
    """Who was told what of which clock, in order."""
    names = {person.id: login for login, person in county.people.items()}
    notices = county.session.scalars(
        sa.select(Notice)
        .where(Notice.case_id == case.id, Notice.code.startswith("clock_"))
        .order_by(Notice.at, Notice.id)
    )
    return [(names[one.person_id], one.code, one.params["term"]) for one in notices]


def make_head(county: County, login: str) -> None:
    """Somebody of the fire unit becomes its head."""
    held = sa.select(RoleGrant).where(RoleGrant.person_id == county.people[login].id)
    county.session.scalars(held).one().role = Role.UNIT_HEAD
    county.session.flush()


def rule_row(**columns: object) -> ClockRuleRow:
    given: dict[str, object] = {
        "term": Term.DECIDE,
        "valid_from": date(2026, 1, 1),
        "amount": 5,
        "days": "working",
        "warn_share": 0.2,
        "climb_hours": 24,
        "extend_amount": 0,
        "extend_times": 0,
        "pausable": True,
        "source": "县安委办〔2026〕3号",
    }
    return ClockRuleRow(**given | columns)


class TestRules:
    def test_a_countys_row_goes_before_the_default_and_running_clocks_keep_theirs(
        self, county: County
    ) -> None:
        before = county.case()
        county.session.add(rule_row())
        county.session.flush()
        after = county.case()
        assert last_day(running(county, before, Term.DECIDE)) == date(2026, 12, 8)
        assert last_day(running(county, after, Term.DECIDE)) == date(2026, 11, 30)
        assert running(county, after, Term.DECIDE).rule["source"] == "县安委办〔2026〕3号"

    def test_a_person_may_put_a_running_clock_under_the_rule_of_today(self, county: County) -> None:
        case = county.case()
        county.session.add(rule_row())
        county.session.flush()
        county.clock.advance(timedelta(days=1))
        clocks.rebase(county.session, county.clock, county.actor("leader"), case.id, Term.DECIDE)
        assert last_day(running(county, case, Term.DECIDE)) == date(2026, 11, 30)

    def test_a_table_of_rules_is_loaded_by_area_and_matter(self, county: County) -> None:
        head = "环节,区域代码,类别,生效日期,数量,单位,依据\n"
        rows = f"decide,{county.areas['town'].code},举报,2026-01-01,3,工作日,镇里的规定\n"
        for expected in (1, 0):
            outcome = load_table(county.session, county.clock, "clock-rules", (head + rows).encode())
            assert outcome.added == expected
        inside = county.case()
        outside = county.case(report=county.report(area_id=county.areas["other_town"].id))
        assert running(county, inside, Term.DECIDE).rule["amount"] == 3
        assert running(county, outside, Term.DECIDE).rule["amount"] == 15


class TestUnknownYear:
    def test_a_clock_that_waited_starts_from_its_true_beginning(self, county: County) -> None:
        case = county.case("to_sign")
        county.clock.at = datetime(2026, 12, 30, 2, 0, tzinfo=UTC)
        county.step(case, Step.SIGN, "leader")
        assert case.state == "transferred"
        waiting = running(county, case, Term.SIGN_FOR)
        assert (waiting.due_at, waiting.next_at) == (None, None)
        county.clock.advance(timedelta(days=20))
        table = "日期,上班,名称\n2027-01-01,放假,元旦\n2027-01-02,放假,元旦\n2027-01-03,放假,元旦\n"
        load_table(county.session, county.clock, "calendar", table.encode())
        assert last_day(waiting) == date(2027, 1, 4), "Thursday the 31st, then Monday"
        sweep(county)
        assert told(county, case)[0] == ("fire1", "clock_overdue", "sign_for")

    def test_half_a_year_is_refused(self, county: County) -> None:
        from server.core.tables import BadTable

        with pytest.raises(BadTable, match="lacks 1 January"):
            load_table(county.session, county.clock, "calendar", b"day,working\n2027-10-01,no\n")

    def test_a_year_of_the_county_goes_before_the_programs(self, county: County) -> None:
        extra = {"day": "2026-11-24", "working": False, "name": "县庆"}
        keep_year(county.session, county.clock, 2026, [extra])
        case = county.case("to_sign")  # an hour later, on the 23rd
        county.step(case, Step.SIGN, "leader")
        assert last_day(running(county, case, Term.SIGN_FOR)) == date(2026, 11, 26)


class TestSweep:
    def test_warned_once_then_each_rung_once(self, county: County) -> None:
        make_head(county, "fire2")
        case = county.case("transferred")
        due_at = running(county, case, Term.SIGN_FOR).due_at
        assert due_at is not None
        for at in (-8, -4, 1, 2, 25, 26, 49, 73, 500):
            county.clock.at = due_at + timedelta(hours=at)
            sweep(county)
            sweep(county)
        mine = [(who, code) for who, code, term in told(county, case) if term == "sign_for"]
        assert mine == [
            ("fire1", "clock_warn"),
            ("fire1", "clock_overdue"),
            ("fire2", "clock_overdue"),
            ("desk", "clock_overdue"),
            ("leader", "clock_overdue"),
        ]

    def test_what_was_missed_is_caught_up_without_doubling(self, county: County) -> None:
        make_head(county, "fire2")
        case = county.case("transferred")
        county.clock.advance(timedelta(days=30))
        sweep(county)
        sweep(county)
        mine = [who for who, _, term in told(county, case) if term == "sign_for"]
        assert mine == ["fire1", "fire2", "desk", "leader"]
        assert running(county, case, Term.SIGN_FOR).next_at is None

    def test_a_rung_that_nobody_holds_is_passed_at_once_and_its_row_says_so(self, county: County) -> None:
        case = county.case("transferred")
        due_at = running(county, case, Term.SIGN_FOR).due_at
        assert due_at is not None
        county.clock.at = due_at + timedelta(hours=25)
        sweep(county)
        mine = [who for who, _, term in told(county, case) if term == "sign_for"]
        assert mine == ["fire1", "fire2", "desk"], "there is no head of the unit"
        stages = dict(county.session.execute(sa.select(ClockStage.stage, ClockStage.told)).all())
        assert stages == {"handler": 2, "unit_head": 0, "desk": 1}

    def test_what_the_desk_leaves_lying_climbs_to_the_leader(self, county: County) -> None:
        case = county.case()
        county.clock.advance(timedelta(days=40))
        sweep(county)
        assert [who for who, _, _ in told(county, case)] == ["desk", "leader"]

    def test_an_end_that_moved_is_warned_of_and_climbed_anew(self, county: County) -> None:
        case = county.case("signed_for")
        county.clock.advance(timedelta(days=61))
        sweep(county)
        first = len(told(county, case))
        clocks.extend(county.session, county.clock, county.actor("leader"), case, Term.HANDLE, 30)
        sweep(county)
        assert len(told(county, case)) == first
        county.clock.advance(timedelta(days=29))
        sweep(county)
        assert told(county, case)[-1][1] == "clock_warn"

    def test_an_ended_clock_says_nothing(self, county: County) -> None:
        case = county.case()
        county.step(case, Step.REFUSE, "desk", ground="not_safety", reason="不属于安全生产")
        county.clock.advance(timedelta(days=100))
        assert clocks.sweep(county.session, county.clock) == 0

    def test_it_finds_what_is_due_by_an_index(self, county: County) -> None:
        county.case()
        county.session.execute(sa.text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(
            county.session.scalars(
                sa.text(
                    "EXPLAIN SELECT id FROM case_clock WHERE ended_at IS NULL AND next_at <= now() "
                    "ORDER BY next_at LIMIT 200"
                )
            )
        )
        assert "ix_case_clock_next" in plan


class TestPauseAndExtend:
    def test_a_pause_keeps_what_was_left_and_silences_the_sweep(self, county: County) -> None:
        case = county.case("signed_for")
        before = running(county, case, Term.HANDLE).due_at
        assert before is not None
        county.step(case, Step.SUSPEND, "leader", reason="法院正在审理同一事项")
        county.clock.advance(timedelta(days=100))
        sweep(county)
        assert not any(term == "handle" for _, _, term in told(county, case))
        county.step(case, Step.RESUME, "desk", reason="审理已经结束")
        assert running(county, case, Term.HANDLE).due_at == before + timedelta(days=100)
        assert case.due_at == before + timedelta(days=100)

    def test_once_by_at_most_thirty_days_and_the_whole_moves_with_it(self, county: County) -> None:
        case = county.case("signed_for")
        before, leader = case.due_at, county.actor("leader")
        assert before is not None
        with pytest.raises(Invalid):
            clocks.extend(county.session, county.clock, leader, case, Term.HANDLE, 31)
        clocks.extend(county.session, county.clock, leader, case, Term.HANDLE, 30)
        assert case.due_at == before + timedelta(days=30)
        with pytest.raises(Invalid):
            clocks.extend(county.session, county.clock, leader, case, Term.HANDLE, 1)
        with pytest.raises(Conflict):
            clocks.extend(county.session, county.clock, leader, case, Term.DECIDE, 1)


def test_a_year_of_cases_is_played_through(county: County) -> None:
    """A case a week, some left lying somewhere; a sweep a day, with a week of them missed."""
    make_head(county, "fire2")
    county.clock.at = datetime(2025, 1, 2, 2, 0, tzinfo=UTC)
    left_at = ["registered", "to_sign", "transferred", "signed_for"]
    opened: list[tuple[Case, str]] = []
    for day in range(365):
        county.clock.at = datetime(2025, 1, 2, 2, 0, tzinfo=UTC) + timedelta(days=day)
        if day % 7 == 0:
            until = left_at[day // 7 % 4]
            opened.append((county.case(until), until))
        if not 100 <= day < 107:
            sweep(county)
    assert len(opened) == 53
    for case, until in opened:
        heard = told(county, case)
        assert len(heard) == len(set(heard)), "nobody hears the same of one clock twice"
        late = [one for one in heard if one[1] == "clock_overdue"]
        if case.first_received_at < county.clock.now() - timedelta(days=90):
            assert late[-1][0] == "leader", until
            assert ("fire1" in {who for who, _, _ in late}) == (until in ("transferred", "signed_for"))
    assert county.session.scalar(sa.select(sa.func.count()).select_from(ClockStage)) == county.session.scalar(
        sa.select(sa.func.count()).select_from(
            sa.select(ClockStage.clock_id, ClockStage.due_at, ClockStage.stage).distinct().subquery()
        )
    )
    again = len(told(county, opened[0][0]))
    county.step(opened[0][0], Step.ACCEPT, "desk", **ACCEPT)
    sweep(county)
    assert len(told(county, opened[0][0])) == again, "a fresh clock has nothing to say yet"
