"""Thousands of cases straight into the tables: each of them as the real services would have left it."""

import uuid
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.cases import rules
from server.cases.models import Case, CaseClock, CaseEvent, CaseReport
from server.cases.rules import BEGINS, BY_STEP, CLOSED, CaseFacts, State, Step
from server.core.calendar import day_of
from server.core.clock import FixedClock
from server.demo.many import WAYS, fill
from server.demo.services import load_county
from server.identity.models import Area
from server.identity.rules import SYSTEM, Actor
from server.identity.services import actor_of
from server.migrations import upgrade
from tests.conftest import NOW, Services

CASES = 1500


@pytest.fixture(scope="module")
def filled(stack: Services) -> Iterator[Session]:
    """A county of its own, as the rows are committed and the tables are cleaned up after it."""
    name = f"many_{uuid.uuid4().hex[:12]}"
    server = sa.create_engine(stack.database_url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    engine = sa.create_engine(sa.make_url(stack.database_url).set(database=name), poolclass=sa.NullPool)
    upgrade(engine)
    with Session(engine) as session:
        load_county(session, FixedClock(NOW))
        session.commit()
        fill(engine, None, NOW, CASES, "632621")
        yield session
    with server.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))


def by_case(session: Session, model: type[Any], *order: Any) -> dict[uuid.UUID, list[Any]]:
    found: dict[uuid.UUID, list[Any]] = defaultdict(list)
    for row in session.scalars(sa.select(model).order_by(*order)):
        found[row.case_id].append(row)
    return found


def test_each_history_is_a_way_through_the_table_by_people_who_may(filled: Session) -> None:
    paths = dict(filled.execute(sa.select(Area.id, Area.path)).all())
    histories = by_case(filled, CaseEvent, CaseEvent.at, CaseEvent.id)
    clocks = by_case(filled, CaseClock)
    actors: dict[uuid.UUID | None, Actor | None] = {None: SYSTEM}
    reached = set()
    for case in filled.scalars(sa.select(Case)):
        first, *steps = histories[case.id]
        assert (first.step, first.to_state, first.at) == (
            Step.REGISTER,
            State.REGISTERED,
            case.first_received_at,
        )
        assert case.area_id
        facts = CaseFacts(State.REGISTERED, paths[case.area_id])
        for event in steps:
            step = Step(event.step)
            if event.actor_id not in actors:
                actors[event.actor_id] = actor_of(filled, event.actor_id)
            actor = actors[event.actor_id]
            assert actor is not None
            assert rules.possible(facts, BY_STEP[step]), (case.number, step, facts)
            assert rules.has_right(facts, actor, step), (case.number, step, actor)
            assert rules.check(step, event.fields, day_of(event.at)).errors == {}, (step, event.fields)
            now = rules.after(facts, actor, step, event.fields)
            assert (event.from_state, event.to_state) == (facts.state, now.state)
            facts = now
        assert (case.state, case.unit_id, case.sides) == (facts.state, facts.unit_id, [])
        assert case.took == {step: str(person) for step, person in facts.took.items()}
        assert case.version == 1 + len(steps)
        assert (case.closed_at is not None) == (facts.state in CLOSED)
        assert (case.accepted_at is not None) == (not BEGINS.isdisjoint(facts.took))
        running = [clock for clock in clocks[case.id] if clock.ended_at is None]
        assert sorted(clock.name for clock in running) == sorted(rules.running(facts))
        assert all(clock.due_at > clock.started_at for clock in clocks[case.id])
        whole = [clock.due_at for clock in running if clock.name == rules.Term.HANDLE]
        assert [case.due_at] == (whole or [None])
        reached.add(facts.state)
    assert reached == {_end(way) for _, way in WAYS}


def test_each_report_lies_in_one_case_and_what_was_merged_in_the_case_that_took_it(filled: Session) -> None:
    now = filled.execute(
        sa.select(CaseReport.report_id, Case.state)
        .join(Case, Case.id == CaseReport.case_id)
        .where(CaseReport.left_at.is_(None))
    ).all()
    assert len({report for report, _ in now}) == len(now) == CASES
    assert State.MERGED not in {state for _, state in now}
    into = sa.orm.aliased(Case)
    merged = filled.execute(
        sa.select(Case.state, into.state).join(into, into.id == Case.merged_into_id)
    ).all()
    assert merged
    assert {state for state, _ in merged} == {State.MERGED}
    assert rules.NO_MERGE_INTO.isdisjoint(State(state) for _, state in merged)


def test_the_desk_finds_what_its_triggers_would_have_written(filled: Session) -> None:
    assert filled.scalar(sa.text("SELECT count(*) FROM desk_row")) == CASES
    for missing in (
        "desk_row EXCEPT SELECT * FROM desk_row_now",
        "desk_row_now EXCEPT SELECT * FROM desk_row",
    ):
        assert filled.execute(sa.text(f"SELECT * FROM {missing}")).all() == []


def _end(way: tuple[Step, ...]) -> State:
    facts = CaseFacts(State.REGISTERED, None)
    for step in way:
        facts = rules.after(
            facts, SYSTEM, step, {"unit_id": str(uuid.UUID(int=1)), "finding": rules.Finding.SUBSTANTIATED}
        )
    return facts.state
