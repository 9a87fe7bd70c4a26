"""Cases in PostgreSQL: who may do what, what is kept, and what phones hear."""

import random
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.audit.models import AuditEntry
from server.cases import rules
from server.cases import services as cases
from server.cases.models import Case, CaseClock, CaseEvent, CaseReport
from server.cases.rules import CLOSED, Step, Term
from server.cases.sheet import reports_of
from server.core.calendar import day_of, end_of
from server.core.errors import Conflict, Forbidden, Invalid, NotFound, PreconditionFailed
from sync.changes import Change
from tests.conftest import NOW
from tests.factories.county import ACCEPT, GOOD, MATTER, REPLY, SECRET_WORDS, WAY, County


def events(county: County, case: Case) -> list[CaseEvent]:
    county.session.flush()
    statement = sa.select(CaseEvent).where(CaseEvent.case_id == case.id).order_by(CaseEvent.at, CaseEvent.id)
    return list(county.session.scalars(statement))


def running(county: County, case: Case) -> dict[str, datetime]:
    county.session.flush()
    statement = sa.select(CaseClock).where(CaseClock.case_id == case.id, CaseClock.ended_at.is_(None))
    return {clock.name: clock.due_at for clock in county.session.scalars(statement) if clock.due_at}


def on_phones(county: County, case: Case) -> dict[str, Any]:
    """What each stream says of the case now; None where it was taken back."""
    county.session.flush()
    county.session.expire_all()
    statement = sa.select(Change).where(Change.topic == "case", Change.key == str(case.id))
    return {row.stream: None if row.deleted else row.data for row in county.session.scalars(statement)}


def main_steps(sheet: dict[str, Any]) -> list[str]:
    return [row["step"] for row in sheet["steps"] if not row["aside"]]


class TestOpening:
    def test_a_report_gets_one_case_with_a_number_a_history_and_a_clock(self, county: County) -> None:
        report = county.report()
        case = cases.open_case(county.session, county.clock, county.parts, report)
        assert case.number.startswith("632621-2026-C")
        assert (case.state, case.version, case.first_received_at) == ("registered", 1, report.received_at)
        assert [event.step for event in events(county, case)] == ["register"]
        assert running(county, case).keys() == {"decide"}

    def test_opening_again_opens_nothing(self, county: County) -> None:
        report = county.report()
        first = cases.open_case(county.session, county.clock, county.parts, report)
        assert cases.open_case(county.session, county.clock, county.parts, report) is first
        assert county.session.scalar(sa.select(sa.func.count()).select_from(Case)) == 1
        assert len(events(county, first)) == 1

    def test_a_hazard_fixed_on_the_spot_is_archived_with_its_history(self, county: County) -> None:
        inspector = county.people["inspector"]
        report = county.report(kind="hazard", reporter_id=inspector.id, fixed_on_spot=True)
        case = cases.open_case(county.session, county.clock, county.parts, report)
        assert case.state == "archived"
        assert case.closed_at is not None
        assert [(event.step, event.actor_name) for event in events(county, case)] == [
            ("register", "system"),
            ("fix_on_spot", inspector.name),
        ]
        assert running(county, case) == {}

    def test_a_stranger_cannot_have_a_tip_archived_by_calling_it_fixed(self, county: County) -> None:
        case = county.case(report=county.report(fixed_on_spot=True, reporter_id=None))
        assert case.state == "registered"


class TestSteps:
    def test_the_straight_way_is_kept_step_by_step(self, county: County) -> None:
        case = county.case("archived")
        assert [event.to_state for event in events(county, case)] == [
            "registered",
            *(state for state, *_ in WAY),
        ]
        assert case.version == 1 + len(WAY)
        assert (case.matter, case.finding, case.reply) == (MATTER, "substantiated", REPLY["text"])
        assert case.closed_at == county.clock.now()
        assert running(county, case) == {}
        audited = county.session.scalars(sa.select(AuditEntry.action).where(AuditEntry.entity_id == case.id))
        assert sorted(audited) == sorted(f"case.{step}" for _, step, *_ in WAY)

    def test_two_people_at_once_the_second_is_told(self, county: County) -> None:
        case = county.case()
        seen = case.version
        county.step(case, Step.REFUSE, "desk", ground="not_safety", reason="不属于安全生产")
        with pytest.raises(PreconditionFailed) as told:
            cases.take_step(
                county.session, county.clock, county.actor("desk"), case.id, Step.ACCEPT, ACCEPT, seen
            )
        assert told.value.extra["current"] == {"version": seen + 1, "state": "refused"}

    def test_a_step_out_of_turn_is_a_conflict_and_changes_nothing(self, county: County) -> None:
        case = county.case("transferred")
        with pytest.raises(Conflict):
            county.step(case, Step.ACCEPT, "desk", **ACCEPT)
        assert (case.state, len(events(county, case))) == ("transferred", 3)

    def test_fields_are_told_one_by_one(self, county: County) -> None:
        case = county.case()
        with pytest.raises(Invalid) as told:
            county.step(case, Step.ACCEPT, "desk", **ACCEPT | {"matter": "短", "risk": "pink"})
        assert told.value.extra["fields"].keys() == {"matter", "risk"}

    def test_units_sectors_and_cases_must_exist(self, county: County) -> None:
        case = county.case()
        with pytest.raises(Invalid) as told:
            county.step(case, Step.ACCEPT, "desk", **ACCEPT | {"unit_id": str(uuid.uuid4()), "sector_no": 99})
        assert told.value.extra["fields"].keys() == {"unit_id", "sector_no"}
        with pytest.raises(Invalid) as told:
            county.step(case, Step.MERGE, "desk", into=str(uuid.uuid4()))
        assert told.value.extra["fields"].keys() == {"into"}

    def test_a_case_without_a_place_is_the_countys(self, county: County) -> None:
        case = county.case(report=county.report(area_id=None))
        county.step(case, Step.ACCEPT, "desk", **ACCEPT)
        with pytest.raises(NotFound):
            county.step(case, Step.SIGN, "other_desk")


WHO_SEES: list[tuple[str, dict[str, str]]] = [
    ("registered", {"desk": "full", "leader": "full"}),
    ("to_sign", {"desk": "full", "leader": "full"}),
    ("transferred", {"desk": "full", "leader": "full", "fire1": "unit", "fire2": "unit"}),
    ("to_recheck", {"desk": "full", "leader": "full", "fire1": "unit", "fire2": "unit", "inspector": "unit"}),
    ("to_strike_off", {"desk": "full", "leader": "full", "fire1": "unit", "fire2": "unit"}),
    ("replied", {"desk": "full", "leader": "full", "fire1": "unit", "fire2": "unit"}),
]


class TestRights:
    @pytest.mark.parametrize(("until", "seen"), WHO_SEES, ids=[until for until, _ in WHO_SEES])
    def test_who_sees_a_case(self, county: County, until: str, seen: dict[str, str]) -> None:
        facts = cases.facts_of(county.session, county.case(until))
        sights = {login: rules.sight(facts, county.actor(login)) for login in county.people}
        assert {login: str(sight) for login, sight in sights.items() if sight} == seen

    @pytest.mark.parametrize("number", range(len(WAY)), ids=[row[1].value for row in WAY])
    def test_each_step_is_for_whom_the_table_says(self, county: County, number: int) -> None:
        state, step, login, fields = WAY[number]
        case = county.case(WAY[number - 1][0] if number else "registered")
        facts = cases.facts_of(county.session, case)
        for other in county.people.keys() - {login}:
            actor = county.actor(other)
            if rules.has_right(facts, actor, step):
                assert any(actor.has(role) for role in rules.BY_STEP[step].roles)
                continue
            hidden = rules.sight(facts, actor) is None
            with pytest.raises(NotFound if hidden else Forbidden) as refused:
                county.step(case, step, other, **fields)
            # No hint of the case's state or of what would be needed.
            assert case.state not in refused.value.detail
            assert "current" not in refused.value.extra
        county.step(case, step, login, **fields)
        assert case.state == state

    def test_nobody_rechecks_the_own_work(self, county: County) -> None:
        case = county.case("to_recheck")
        with pytest.raises(Forbidden):
            county.step(case, Step.RECHECK_PASS, "fire1", account="已经整改完成")
        county.step(case, Step.RECHECK_PASS, "inspector", account="已经整改完成")
        assert case.state == "to_strike_off"

    def test_a_case_that_is_not_there_looks_like_one_that_is_not_yours(self, county: County) -> None:
        told = []
        for case_id in (county.case().id, uuid.uuid4()):
            with pytest.raises(NotFound) as refused:
                cases.take_step(
                    county.session, county.clock, county.actor("industry"), case_id, Step.SIGN_FOR, {}, 1
                )
            told.append(refused.value.body())
        assert told[0] == told[1]


class TestClocks:
    def test_the_whole_runs_sixty_days_from_acceptance_through_return_and_decline(
        self, county: County
    ) -> None:
        case = county.case("to_sign")
        due_at = end_of(day_of(county.clock.now()) + timedelta(days=60))
        assert case.due_at == running(county, case)["handle"] == due_at
        county.step(case, Step.DECLINE, "leader", reason="请补充具体位置")
        county.clock.advance(timedelta(days=3))
        county.step(case, Step.ACCEPT, "desk", **ACCEPT)
        county.step(case, Step.SIGN, "leader")
        county.step(case, Step.RETURN, "fire1", reason="不属于本单位职责")
        assert running(county, case) == {"handle": due_at, "decide": running(county, case)["decide"]}
        assert case.due_at == due_at

    def test_danger_to_life_goes_to_the_unit_at_once_and_is_signed_within_a_day(self, county: County) -> None:
        case = county.case()
        county.step(case, Step.TRANSFER_AT_ONCE, "desk", **ACCEPT)
        assert (case.urgent, case.state, case.sides) == (True, "transferred", ["sign_after"])
        assert running(county, case).keys() == {"sign_for", "sign_after", "handle"}
        assert running(county, case)["sign_after"] == county.clock.now() + timedelta(hours=24)
        county.step(case, Step.SIGN_FOR, "fire1")
        county.step(case, Step.SIGN_AFTER, "leader")
        assert (case.state, case.sides) == ("signed_for", [])
        assert running(county, case).keys() == {"verify", "handle"}

    def test_a_leader_who_declines_afterwards_takes_it_back_from_the_unit(self, county: County) -> None:
        case = county.case()
        county.step(case, Step.TRANSFER_AT_ONCE, "desk", **ACCEPT)
        county.step(case, Step.SIGN_FOR, "fire1")
        county.step(case, Step.DECLINE_AFTER, "leader", reason="不属于紧急情况，请按程序办理")
        assert (case.state, case.sides, case.unit_id) == ("returned", [], None)
        assert running(county, case).keys() == {"decide", "handle"}
        assert on_phones(county, case) == {f"unit:{county.units['fire'].id}": None}

    def test_an_unknown_year_keeps_nobody_from_acting_and_is_not_guessed(self, county: County) -> None:
        case = county.case("to_sign")
        county.clock.at = datetime(2026, 12, 31, 2, 0, tzinfo=UTC)
        county.step(case, Step.SIGN, "leader")
        assert case.state == "transferred"
        assert Term.SIGN_FOR not in running(county, case)
        waits = sa.select(AuditEntry).where(AuditEntry.action == "case.clock_waits")
        assert county.session.scalars(waits).one().facts == {"term": "sign_for"}


class TestMerge:
    def test_reports_move_in_their_order_and_can_be_found_back(self, county: County) -> None:
        first, second = county.report("先到"), county.report("后到")
        into, case = county.case(report=second), county.case(report=first)
        county.step(case, Step.MERGE, "desk", into=str(into.id))
        assert (case.state, case.merged_into_id) == ("merged", into.id)
        assert [report.text for report in reports_of(county.session, into.id)] == ["先到", "后到"]
        assert cases.case_of(county.session, first.id) is into
        rows = county.session.scalars(sa.select(CaseReport).where(CaseReport.report_id == first.id)).all()
        assert {(row.case_id, row.left_at is None) for row in rows} == {(case.id, False), (into.id, True)}
        assert into.version == 2
        assert events(county, into)[-1].fields == {"from": case.number}

    def test_a_case_does_not_merge_into_itself_nor_into_one_without_an_answer(self, county: County) -> None:
        case, refused = county.case(), county.case()
        county.step(refused, Step.REFUSE, "desk", ground="no_facts", reason="没有具体线索")
        for into in (case, refused):
            with pytest.raises(Invalid) as told:
                county.step(case, Step.MERGE, "desk", into=str(into.id))
            assert told.value.extra["fields"].keys() == {"into"}

    def test_a_case_of_another_area_cannot_be_found_out_by_merging(self, county: County) -> None:
        mine = county.case(report=county.report(area_id=county.areas["other_town"].id))
        hidden = county.case()
        told = []
        for into in (hidden.id, uuid.uuid4()):
            with pytest.raises(Invalid) as refused:
                county.step(mine, Step.MERGE, "other_desk", into=str(into))
            told.append(refused.value.extra["fields"])
        assert told[0] == told[1]

    def test_undoing_a_merge_brings_the_reports_back_in_their_order(self, county: County) -> None:
        first, second = county.report("先到"), county.report("后到")
        into, case = county.case(report=second), county.case(report=first)
        county.step(case, Step.MERGE, "desk", into=str(into.id))
        county.step(case, Step.UNMERGE, "desk", reason="两处不是一件事")
        assert (case.state, case.merged_into_id, case.closed_at) == ("registered", None, None)
        assert [report.text for report in reports_of(county.session, case.id)] == ["先到"]
        assert [report.text for report in reports_of(county.session, into.id)] == ["后到"]
        assert cases.case_of(county.session, first.id) is case
        assert running(county, case).keys() == {"decide"}

    def test_a_merged_case_closes_with_its_parent_and_with_the_parents_parent(self, county: County) -> None:
        last, middle, first = county.case("replied"), county.case(), county.case()
        county.step(first, Step.MERGE, "desk", into=str(middle.id))
        county.step(middle, Step.MERGE, "desk", into=str(last.id))
        county.step(last, Step.ARCHIVE, "desk")
        for case in (first, middle):
            county.session.refresh(case)
            assert case.state == "archived"
            assert events(county, case)[-1].step == "close_with_parent"

    def test_a_report_of_two_matters_is_in_two_cases_and_one_answers_it(self, county: County) -> None:
        report = county.report()
        case = county.case(report=report)
        county.step(case, Step.SPLIT, "desk", report=str(report.id), stays=True, reason="还说了另一件事")
        number = events(county, case)[-1].fields["to"]
        part = county.session.scalars(sa.select(Case).where(Case.number == number)).one()
        assert [one.id for one in reports_of(county.session, part.id)] == [report.id]
        assert cases.case_of(county.session, report.id) is case
        county.step(part, Step.MERGE, "desk", into=str(case.id))
        assert [one.id for one in reports_of(county.session, case.id)] == [report.id]
        county.step(part, Step.UNMERGE, "desk", reason="还是两件事")
        assert [one.id for one in reports_of(county.session, part.id)] == [report.id]
        assert cases.case_of(county.session, report.id) is case

    def test_the_last_report_does_not_leave_its_case(self, county: County) -> None:
        report = county.report()
        case = county.case(report=report)
        with pytest.raises(Invalid) as told:
            county.step(case, Step.SPLIT, "desk", report=str(report.id), stays=False, reason="另一件事")
        assert told.value.extra["fields"].keys() == {"stays"}


class TestReporter:
    def test_an_objection_is_judged_by_somebody_who_had_no_hand_in_it(self, county: County) -> None:
        report = county.report()
        case = county.case("replied", report)
        said = {"reason": "门又锁上了"}
        cases.reporter_step(county.session, county.clock, case.id, Step.OBJECT, report, said)
        assert (case.state, set(running(county, case))) == ("objected", {"reexamine"})
        county.step(case, Step.UPHOLD, "leader", text="经复查，门锁已于今日拆除。")
        with pytest.raises(Conflict):
            cases.reporter_step(county.session, county.clock, case.id, Step.OBJECT, report, said)
        assert case.state == "replied"

    def test_who_refused_does_not_judge_the_objection(self, county: County) -> None:
        case = county.case()
        county.step(case, Step.REFUSE, "desk", ground="no_facts", reason="没有具体线索")
        county.step(case, Step.OBJECT, "desk", reason="举报人来电补充了地址")
        with pytest.raises(Forbidden):
            county.step(case, Step.OVERTURN, "desk", reason="有新的线索")
        county.step(case, Step.OVERTURN, "leader", reason="有新的线索")
        assert (case.state, case.closed_at) == ("registered", None)

    def test_an_extension_moves_the_end_of_the_whole_once(self, county: County) -> None:
        case = county.case("rectifying")
        before = running(county, case)["handle"]
        county.step(case, Step.ASK_EXTENSION, "fire1", days="15", reason="需要采购设备")
        county.step(case, Step.GRANT_EXTENSION, "leader", reason="设备需要采购")
        assert running(county, case)["handle"] - before == timedelta(days=15) == case.due_at - before  # type: ignore[operator]
        with pytest.raises(Conflict):
            county.step(case, Step.ASK_EXTENSION, "fire1", days="5", reason="还要再等几天")


class TestPhones:
    def test_a_unit_hears_of_a_case_when_it_is_signed_and_no_more_when_it_gave_it_back(
        self, county: County
    ) -> None:
        case = county.case("to_sign")
        assert on_phones(county, case) == {}
        county.step(case, Step.SIGN, "leader")
        stream = f"unit:{county.units['fire'].id}"
        assert main_steps(on_phones(county, case)[stream]) == ["sign_for", "return"]
        county.step(case, Step.RETURN, "fire1", reason="不属于本单位职责")
        assert on_phones(county, case) == {stream: None}

    def test_an_inspector_hears_of_a_case_only_while_it_waits_for_a_recheck(self, county: County) -> None:
        case = county.case("to_recheck")
        mine = f"person:{county.people['inspector'].id}"
        assert on_phones(county, case).keys() == {mine, f"unit:{county.units['fire'].id}"}
        told = on_phones(county, case)[mine]
        assert main_steps(told) == ["recheck_pass", "recheck_fail"]
        assert told["steps"][0]["not_for"] == [str(county.people["fire1"].id)]
        county.step(case, Step.RECHECK_FAIL, "inspector", reason="门还是锁着的", deadline="2026-12-20")
        assert on_phones(county, case)[mine] is None

    def test_an_archived_case_leaves_the_phone(self, county: County) -> None:
        case = county.case("archived")
        assert on_phones(county, case)[f"unit:{county.units['fire'].id}"] is None

    def test_phones_of_a_unit_never_hold_what_a_reporter_wrote(self, county: County) -> None:
        report = county.report()
        county.photo(report.submission_id)
        case = county.case("to_recheck", report)
        for told in on_phones(county, case).values():
            text = str(told)
            assert MATTER in text
            assert len(told["media"]) == 1
            assert told["place"]["lat"] == report.lat
            for secret in (SECRET_WORDS, report.place_words, report.number, str(report.submission_id)):
                assert secret not in text
            assert not {"named", "channel", "reports", "messages", "text"} & told.keys()

    def test_a_photo_that_comes_later_reaches_the_phone(self, county: County) -> None:
        report = county.report()
        case = county.case("transferred", report)
        medium = county.photo(report.submission_id)
        cases.tell_medium(county.session, report.submission_id)
        told = on_phones(county, case)[f"unit:{county.units['fire'].id}"]
        assert [row["id"] for row in told["media"]] == [str(medium.id)]


class TestLate:
    def test_a_late_step_is_kept_and_has_no_effect(self, county: County) -> None:
        case = county.case("rectifying")
        version = case.version
        actor, submission_id = county.actor("fire1"), uuid.uuid4()
        cases.keep_late_step(
            county.session,
            county.clock,
            actor,
            case.id,
            Step.SIGN_FOR,
            {"x\x00": "\ud800"},
            submission_id,
            "why",
        )
        kept = events(county, case)[-1]
        assert (kept.late, kept.from_state, kept.to_state) == (True, "rectifying", "rectifying")
        assert kept.submission_id == submission_id
        assert (case.state, case.version) == ("rectifying", version)


@settings(
    max_examples=max(settings.default.max_examples // 50, 10) if settings.default else 10,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(st.randoms(use_true_random=False))
def test_walks_through_the_database_lose_nothing(county: County, chance: random.Random) -> None:
    """Four people and a reporter take random steps; history, version, clocks and phones agree with the state."""
    county.clock.at = NOW  # each walk in a year that the calendar knows
    report = county.report()
    case, other = county.case(report=report), county.case()
    people = ["desk", "leader", "fire1", "inspector"]
    for _ in range(16):
        facts = cases.facts_of(county.session, case)
        choices = [
            (login, row) for login in people for row in rules.allowed_steps(facts, county.actor(login))
        ]
        choices += [
            ("", rules.BY_STEP[step])
            for step in rules.THE_REPORTERS
            if rules.possible(facts, rules.BY_STEP[step]) and Step(step) not in facts.took
        ]
        if not choices:
            assert facts.state in CLOSED
            break
        login, row = chance.choice(choices)
        fields = {field.name: GOOD[field.name] for field in row.fields if field.name in GOOD}
        if "finding" in fields:
            fields["finding"] = chance.choice(list(rules.Finding)).value
        if row.step is Step.MERGE:
            fields["into"] = str(other.id)
        if row.step is Step.SPLIT:
            fields |= {"report": str(report.id), "stays": True}
        if login:
            county.step(case, row.step, login, **fields)
        else:
            cases.reporter_step(county.session, county.clock, case.id, row.step, report, fields)
        adding = sum(rules.BY_STEP[Step(event.step)].appends for event in events(county, case))
        assert case.version == len(events(county, case)) - adding
        assert events(county, case)[-1].to_state == case.state
        facts = cases.facts_of(county.session, case)
        assert running(county, case).keys() == rules.running(facts)
        assert (case.closed_at is not None) == (facts.state in CLOSED)
        told = on_phones(county, case)
        followed = {stream for stream, sheet in told.items() if sheet is not None}
        assert followed == cases.followers(county.session, case).keys()
        assert all(told[stream]["version"] == case.version for stream in followed)
        assert cases.case_of(county.session, report.id) in (case, other)
