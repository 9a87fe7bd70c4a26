"""退回 through the steps of a case: the router learns of it and proposes somebody else."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.cases.rules import Step
from server.cases.services import open_case, take_step
from server.core.clock import FixedClock
from server.core.parts import Parts
from server.core.tasks import Task, Work
from server.identity.rules import Grant, Role
from server.routing import jobs, services
from server.routing.models import RoutingProposal
from server.triage import services as triage
from tests.factories import reports as make


def test_a_returned_case_comes_back_with_another_unit_proposed(
    session: Session, clock: FixedClock, parts: Parts
) -> None:
    town = make.area(session, "632621100", "大武镇", "town", make.area(session, "632621", "玛沁县", "county"))
    fire = make.unit(session, "县消防救援大队")
    hall = make.unit(session, "大武镇人民政府", area_id=town.id, is_town=True)
    make.unit(session, "县安委办", is_coordinating=True)
    make.sector(session, 6, "消防", fire, None, keywords=("消防通道", "安全出口"))
    report = make.report(session, "安全出口锁着", lat=34.4, lng=100.2, area_id=town.id)
    case = open_case(session, clock, parts, report)
    triage.assess(session, clock, report.id)
    services.propose(session, clock, report.id)

    accepted = {
        "sector_no": 6,
        "unit_id": str(fire.id),
        "title": "出口锁闭",
        "matter": "宾馆的安全出口被锁住，无法疏散。",
        "risk": "red",
    }
    take_step(session, clock, make.desk(session), case.id, Step.ACCEPT, accepted, None)
    stored = sa.select(RoutingProposal).where(RoutingProposal.report_id == report.id)
    stored = stored.execution_options(populate_existing=True)
    assert session.scalars(stored).one().decided_unit_id == fire.id
    leader = make.person(session, "值班领导", Grant(Role.LEADER))
    take_step(session, clock, leader, case.id, Step.SIGN, {}, None)
    handler = make.person(session, "经办人", Grant(Role.HANDLER, unit_id=fire.id))
    take_step(session, clock, handler, case.id, Step.RETURN, {"reason": "不属于消防管辖"}, None)

    (task,) = session.scalars(sa.select(Task).where(Task.kind == "routing.propose"))
    jobs.propose(Work(session, clock, parts), task.payload)
    proposal = session.scalars(stored).one()
    assert (proposal.unit_id, proposal.decided_unit_id) == (hall.id, None)
    returned = {"unit": "县消防救援大队", "reason": "不属于消防管辖"}
    assert {"code": "returned_by", "params": returned} in proposal.reasons
