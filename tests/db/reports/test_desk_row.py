"""The rows that the desk finds cases by: always what the view says, and no word lost to a search."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from server.cases.rules import Step
from server.core.clock import FixedClock
from server.feedback.services import judge_answer
from server.identity.models import Area
from server.identity.rules import Actor, Grant, Role
from server.reports import queues
from server.reports.models import DeskRow
from server.reports.rules import Filters, Queue, queues_of
from server.triage.services import judge
from tests.api.reports.test_desk import suspect
from tests.factories.county import WAY, County, build_county, enterprise


@pytest.fixture
def office(session: Session, clock: FixedClock, parts: Any) -> County:
    return build_county(session, clock, parts)


def assert_fresh(session: Session) -> None:
    """What the triggers kept is what the view makes of the tables."""
    session.flush()
    stored, now = "SELECT * FROM desk_row", "SELECT * FROM desk_row_now"
    for missing in (f"{stored} EXCEPT {now}", f"{now} EXCEPT {stored}"):
        assert session.execute(sa.text(missing)).all() == []


def numbers(office: County, queue: Queue | None = None, **filters: Any) -> set[str]:
    found = queues.page(
        office.session, office.clock, office.actor("desk"), queue, Filters(**filters), None, 200
    )
    return {row["number"] for row in found["items"]}


def test_the_rows_follow_whatever_changes(session: Session, office: County) -> None:
    firm = enterprise(office)
    cases = [
        office.case(until, office.report(enterprise_id=firm.id))
        for until in ["registered", *(w[0] for w in WAY)]
    ]
    assert_fresh(session)
    first, second = office.report("仓库门锁着"), office.report("仓库的门上了锁")
    kept, joined = office.case(report=first), office.case(report=second)
    suggestion = suspect(office, second, first)
    assert_fresh(session)
    assert numbers(office, Queue.DUPLICATES) == {joined.number}
    judge(session, office.clock, office.actor("desk"), suggestion.id, True)
    assert numbers(office, Queue.DUPLICATES) == set()
    office.step(joined, Step.MERGE, "desk", into=str(kept.id))
    judge_answer(session, office.clock, _report_of(session, cases[-2].id), False, "没有人来看")
    office.areas["grid"].path = "6326-county/6326-other_town/6326-grid"
    firm.name = "雪域购物中心"
    assert_fresh(session)
    assert numbers(office, text="雪域购物") == {case.number for case in cases}
    assert numbers(office, Queue.OBJECTIONS) == {cases[-2].number}


def _report_of(session: Session, case_id: object) -> Any:
    return session.scalar(sa.text("SELECT report_id FROM case_report WHERE case_id = :id"), {"id": case_id})


def test_every_case_lies_in_exactly_the_queues_that_its_state_says(session: Session, office: County) -> None:
    for until in ["registered", *(w[0] for w in WAY)] * 2:
        office.case(until)
    office.clock.advance(timedelta(days=2))
    suspect(office, *(office.report() for _ in range(2)))
    waiting = office.case("signed_for")
    office.step(waiting, Step.ASK_EXTENSION, "fire1", days="15", reason="需要采购设备")
    session.flush()
    assert waiting.number in numbers(office, Queue.TO_APPROVE)
    listed = {queue: numbers(office, queue) for queue in Queue}
    rows = session.execute(
        sa.text(
            "SELECT number, d.state, suspected, d.due_at, 'unsatisfied' = ANY (facets), sides FROM desk_row d"
            ' JOIN "case" c ON c.id = case_id'
        )
    ).all()
    for number, state, suspected, due_at, unsatisfied, sides in rows:
        own = queues_of(state, suspected, due_at, unsatisfied, sides, office.clock.now())
        assert {queue for queue, found in listed.items() if number in found} == own, number
    counted = {
        row["code"]: row["count"] for row in queues.counts(session, office.clock, office.actor("desk"))
    }
    assert counted == {queue: len(found) for queue, found in listed.items()}


def test_above_the_limit_a_count_says_more(
    session: Session, office: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "COUNTED", 2)
    for _ in range(3):
        office.case()
    new = queues.counts(session, office.clock, office.actor("desk"))[0]
    assert (new["count"], new["more"]) == (2, True)


Windows = tuple[int, int]
WAYS_TO_FIND: list[Windows] = [(500, 6000), (1, 6000), (1, 1)]
"""Among the first rows; among more, as one of them was found; by the index."""


def look_through(monkeypatch: pytest.MonkeyPatch, windows: Windows) -> None:
    """How many rows of a list are looked through before the indexes are asked for what is rare."""
    monkeypatch.setattr(queues, "USUAL", replace(queues.USUAL, windows=windows))
    for queue, order in queues.ORDERS.items():
        monkeypatch.setitem(queues.ORDERS, queue, replace(order, windows=windows))


@pytest.mark.parametrize("windows", WAYS_TO_FIND)
def test_filters_narrow_and_go_together(
    session: Session, office: County, monkeypatch: pytest.MonkeyPatch, windows: Windows
) -> None:
    look_through(monkeypatch, windows)
    firm = enterprise(office)
    accepted = office.case("to_sign", office.report(enterprise_id=firm.id))
    elsewhere = office.case(report=office.report(area_id=office.areas["other_town"].id))
    nowhere = office.case(report=office.report("没有位置", area_id=None))
    hazard = office.case(report=office.report(kind="hazard", reporter_id=office.people["inspector"].id))
    everything = {accepted.number, elsewhere.number, nowhere.number, hazard.number}
    fire = office.units["fire"].id
    assert numbers(office) == everything
    assert numbers(office, area=office.areas["town"].code) == {accepted.number, hazard.number}
    assert numbers(office, area=office.areas["county"].code) == everything - {nowhere.number}
    assert numbers(office, sector_no=6) == {accepted.number}
    assert numbers(office, unit_id=fire) == {accepted.number}
    assert numbers(office, unit_id=fire, kind="hazard") == set()
    assert numbers(office, kind="hazard") == {hazard.number}
    assert numbers(office, risk="orange") == {accepted.number}
    assert numbers(office, state="to_sign") == {accepted.number}
    assert numbers(office, mine=True) == {accepted.number}
    assert numbers(office, urgent=True) == set()
    assert numbers(office, text="位置") == {nowhere.number}
    assert numbers(office, Queue.NEW, text="大武") == {elsewhere.number, nowhere.number, hazard.number}
    assert numbers(office, Queue.NEW, kind="hazard", text="大武") == {hazard.number}
    assert numbers(office, Queue.NEW, risk="orange") == set()
    assert numbers(office, Queue.NEW, state="to_sign") == set()
    assert numbers(office, Queue.TO_SIGN, state="to_sign", age="last_day") == {accepted.number}
    assert numbers(office, Queue.DUE_SOON, state="registered", unit_id=fire) == set()
    again = office.report()
    suspect(office, again, office.report())
    doubted = office.case(report=again)
    assert numbers(office, Queue.DUPLICATES, kind="tip") == {doubted.number}
    assert numbers(office, Queue.DUPLICATES, kind="hazard") == set()
    unsatisfied = office.case("replied")
    unsatisfied.unsatisfied = True
    office.session.flush()
    assert numbers(office, Queue.OBJECTIONS, kind="tip") == {unsatisfied.number}
    assert numbers(office, Queue.OBJECTIONS, state="objected") == set()
    for case in (doubted, nowhere, accepted):
        case.urgent = True
    office.session.flush()
    assert numbers(office, Queue.NEW, urgent=True) == {doubted.number, nowhere.number}
    assert numbers(office, Queue.NEW, urgent=True, age="last_week", text="位置") == {nowhere.number}
    old = office.case("archived")
    assert numbers(office, unit_id=fire, text="大武") == {accepted.number, old.number, unsatisfied.number}
    office.clock.advance(timedelta(days=1))
    assert numbers(office, Queue.DUE_SOON, urgent=True) == {accepted.number}


@pytest.mark.parametrize("windows", WAYS_TO_FIND)
def test_nobody_is_shown_more_than_the_roles_reach(
    office: County, monkeypatch: pytest.MonkeyPatch, windows: Windows
) -> None:
    look_through(monkeypatch, windows)
    here, there = (
        office.case("transferred"),
        office.case(report=office.report(area_id=office.areas["other_town"].id)),
    )
    nowhere = office.case(report=office.report(area_id=None))
    town, other, fire = office.areas["town"].path, office.areas["other_town"].path, office.units["fire"].id

    def shown(*grants: Grant) -> set[str]:
        actor = Actor(office.people["desk"].id, "受理员", grants)
        found = queues.page(office.session, office.clock, actor, None, Filters(), None, 200)["items"]
        counted = queues.counts(office.session, office.clock, actor)
        new = sum(row["count"] for row in counted if row["code"] == Queue.NEW)
        assert new == sum(row["state"] == "registered" for row in found)
        return {row["number"] for row in found}

    assert shown(Grant(Role.DESK)) == {here.number, there.number, nowhere.number}
    assert shown(Grant(Role.DESK, town)) == {here.number}
    assert shown(Grant(Role.DESK, other)) == {there.number}
    assert shown(Grant(Role.DESK, other), Grant(Role.LEADER, None, fire)) == {here.number, there.number}
    assert shown(Grant(Role.LEADER, other, fire)) == set()
    assert shown(Grant(Role.HANDLER, None, fire)) == set()
    lost = office.case("transferred", office.report(area_id=None))
    # What has no place is the county's, as `cases.rules.sight` has it.
    assert shown(Grant(Role.LEADER, office.areas["county"].path, fire)) == {here.number, lost.number}


@pytest.mark.parametrize(
    ("term", "found"),
    [
        ("油罐", True),
        ("罐", True),
        ("卸油 抽烟", True),
        ("卸油 打牌", False),
        ("卸油时抽烟，油罐车停在", True),
        ("油罐车停在卸油时抽烟", False),
        ("LNG", True),
        ("lng站", True),
        ("3号楼", True),
        ("13号楼", False),
        ("91110000101623741K", True),
        ("大武商贸", True),
        ("核查整改", True),
        ("已经拆除", True),
        ("100%", True),
        ("油罐_", False),
    ],
)
def test_a_search_finds_what_stands_there_and_nothing_else(
    office: County, monkeypatch: pytest.MonkeyPatch, term: str, found: bool
) -> None:
    firm = enterprise(office)
    firm.uscc = "91110000101623741K"
    report = office.report("有人在ＬＮＧ站卸油时抽烟，油罐车停在3号楼旁，100%危险", enterprise_id=firm.id)
    case = office.case("replied", report)
    case.matter = "请现场核查整改"
    office.session.flush()
    other = office.case(report=office.report("无关", enterprise_words=""))
    for windows in WAYS_TO_FIND:
        look_through(monkeypatch, windows)
        assert (case.number in numbers(office, text=term)) is found
        assert other.number not in numbers(office, text=term)


def test_a_case_is_found_by_the_end_of_its_number(office: County) -> None:
    case = office.case()
    assert numbers(office, text=case.number) == {case.number}
    assert case.number in numbers(office, text=str(int(case.number[-6:])))


LETTERS = st.text(st.sampled_from("安全出口锁。， \nLNGabc100 號"), max_size=30)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=LETTERS, data=st.data())
def test_whatever_is_cut_out_of_a_text_between_numbers_is_sought_by_what_the_text_has(
    session: Session, text: str, data: st.DataObject
) -> None:
    begin = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(begin, len(text)))
    cut_number = any(
        0 < at < len(text) and text[at - 1].isdigit() and text[at].isdigit() for at in (begin, end)
    )
    asked = sa.select(sa.func.grams(text).op("@>")(sa.func.sought(text[begin:end])))
    assert session.scalar(asked) or cut_number


def test_an_area_above_sees_all_below(session: Session, office: County) -> None:
    assert session.scalar(sa.select(sa.func.count()).select_from(DeskRow)) == 0
    office.case()
    path = session.scalar(sa.select(Area.path).where(Area.id == office.areas["grid"].id))
    assert session.scalar(sa.select(DeskRow.area_path)) == f"{path}/"
