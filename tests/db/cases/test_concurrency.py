"""Two people at one case at the same moment, each in a transaction of their own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from server.cases import services as cases
from server.cases.models import Case, CaseEvent
from server.cases.rules import Step
from server.core.clock import FixedClock
from server.core.errors import Invalid, PreconditionFailed, Problem
from server.core.parts import Parts
from server.identity.rules import Actor
from tests.factories.county import ACCEPT, County, build_county

Sessions = sessionmaker[Session]


def county_in(session: Session, clock: FixedClock, parts: Parts) -> County:
    county = build_county(session, clock, parts)
    session.commit()
    return county


def at_once(sessions: Sessions, *acts: Callable[[Session], object]) -> list[Problem | None]:
    """Run each act in its own thread and transaction, begun together; what each was told."""
    together = Barrier(len(acts))

    def run(act: Callable[[Session], object]) -> Problem | None:
        with sessions() as session:
            together.wait()
            try:
                act(session)
            except Problem as problem:
                session.rollback()
                return problem
            session.commit()
            return None

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def step(
    clock: FixedClock, actor: Actor, case_id: object, name: Step, **fields: object
) -> Callable[[Session], object]:
    return lambda session: cases.take_step(session, clock, actor, case_id, name, fields, 1)  # type: ignore[arg-type]


def test_of_two_decisions_one_counts_and_the_other_is_told(
    sessions: Sessions, clock: FixedClock, parts: Parts
) -> None:
    with sessions() as session:
        county = county_in(session, clock, parts)
        case, desk = county.case(), county.actor("desk")
        session.commit()
        accept = ACCEPT | {"unit_id": str(county.units["fire"].id)}
        told = at_once(
            sessions,
            step(clock, desk, case.id, Step.ACCEPT, **accept),
            step(clock, desk, case.id, Step.REFUSE, ground="no_facts", reason="没有具体线索"),
        )
        assert [type(problem) for problem in told if problem] == [PreconditionFailed]
        session.refresh(case)
        assert case.version == 2
        written = sa.select(sa.func.count()).where(CaseEvent.case_id == case.id)
        assert session.scalar(written) == 2


def test_merging_each_into_the_other_ends_with_one_case(
    sessions: Sessions, clock: FixedClock, parts: Parts
) -> None:
    with sessions() as session:
        county = county_in(session, clock, parts)
        first, second, desk = county.case(), county.case(), county.actor("desk")
        session.commit()
        told = at_once(
            sessions,
            step(clock, desk, first.id, Step.MERGE, into=str(second.id)),
            step(clock, desk, second.id, Step.MERGE, into=str(first.id)),
        )
        refused = [problem for problem in told if problem]
        assert len(refused) == 1
        assert isinstance(refused[0], PreconditionFailed | Invalid)
        states = session.scalars(sa.select(Case.state).order_by(Case.state)).all()
        session.rollback()
        assert states == ["merged", "registered"]


def test_numbers_have_no_gap_and_no_double(sessions: Sessions, clock: FixedClock, parts: Parts) -> None:
    with sessions() as session:
        county = county_in(session, clock, parts)
        reports = [county.report() for _ in range(6)]
        session.commit()

        def opening(report_id: object) -> Callable[[Session], object]:
            return lambda other: cases.open_case(
                other, clock, parts, other.get_one(type(reports[0]), report_id)
            )

        assert at_once(sessions, *(opening(report.id) for report in reports)) == [None] * 6
        numbers = sorted(session.scalars(sa.select(Case.number)))
        assert [number[-6:] for number in numbers] == [f"{n:06}" for n in range(1, 7)]
