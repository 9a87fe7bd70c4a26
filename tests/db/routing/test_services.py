"""Proposals of units on a real database: by sector and place, and what returns teach."""

import uuid
from dataclasses import dataclass

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.core.clock import FixedClock
from server.core.errors import NotFound, Unavailable
from server.core.parts import Parts
from server.core.tasks import Task, Work
from server.identity.models import Area, Unit
from server.intake.models import Report
from server.routing import jobs, services
from server.routing.models import RoutingProposal
from server.triage.models import SectorProposal
from tests.factories import reports as make


@dataclass(frozen=True)
class County:
    """Fire service and airport lead, the town stands for its grids, the office takes the rest."""

    grid: Area
    fire: Unit
    airport: Unit
    emergency: Unit
    town: Unit
    office: Unit


@pytest.fixture
def county(session: Session) -> County:
    whole = make.area(session, "632621", "玛沁县", "county")
    dawu = make.area(session, "632621100", "大武镇", "town", whole)
    lajia = make.area(session, "632621101", "拉加镇", "town", whole)
    village = make.area(session, "632621100001", "吾麻村", "village", dawu)
    make.unit(session, "拉加镇人民政府", area_id=lajia.id, is_town=True)
    found = County(
        grid=make.area(session, "63262110000101", "一网格", "grid", village),
        fire=make.unit(session, "县消防救援大队"),
        airport=make.unit(session, "果洛机场", enforces=False),
        emergency=make.unit(session, "县应急管理局"),
        town=make.unit(session, "大武镇人民政府", area_id=dawu.id, is_town=True),
        office=make.unit(session, "县安委办", is_coordinating=True),
    )
    make.sector(session, 6, "消防", found.fire, found.emergency, None)
    make.sector(session, 13, "民航", found.airport, found.emergency, None)
    return found


def known(session: Session, clock: FixedClock, area: Area | None, *sectors: tuple[int, float]) -> Report:
    """A report whose sectors were proposed with these probabilities."""
    place = {"lat": 34.4, "lng": 100.2, "area_id": area.id} if area else {}
    report = make.report(session, "安全出口锁着", **place)
    ranked = [{"sector_no": no, "p": p, "reasons": []} for no, p in sectors]
    session.add(
        SectorProposal(report_id=report.id, ranked=ranked, decided=True, model="test", created_at=clock.now())
    )
    session.flush()
    return report


def proposed(session: Session, report: Report) -> RoutingProposal:
    session.expire_all()
    return session.scalars(sa.select(RoutingProposal).where(RoutingProposal.report_id == report.id)).one()


def test_the_lead_unit_is_proposed_with_the_town_of_the_grid(
    session: Session, clock: FixedClock, parts: Parts, county: County
) -> None:
    report = known(session, clock, county.grid, (6, 0.9))
    jobs.propose(Work(session, clock, parts), {"report_id": str(report.id)})
    proposal = proposed(session, report)
    assert (proposal.unit_id, proposal.rule) == (county.fire.id, "sector_lead")
    assert {"code": "responsible_town", "params": {"unit": "大武镇人民政府"}} in proposal.reasons
    assert proposal.enforcement_unit_id is None


def test_a_lead_unit_without_power_gets_an_enforcement_unit(
    session: Session, clock: FixedClock, county: County
) -> None:
    report = known(session, clock, county.grid, (13, 0.9))
    services.propose(session, clock, report.id)
    proposal = proposed(session, report)
    assert (proposal.unit_id, proposal.enforcement_unit_id) == (county.airport.id, county.emergency.id)


@pytest.mark.parametrize("sectors", [(), ((99, 0.9),)], ids=["none", "one that is no longer in the table"])
def test_without_a_sector_it_is_the_coordinating_office(
    session: Session, clock: FixedClock, county: County, sectors: tuple[tuple[int, float], ...]
) -> None:
    report = known(session, clock, county.grid, *sectors)
    services.propose(session, clock, report.id)
    proposal = proposed(session, report)
    assert (proposal.unit_id, proposal.rule) == (county.office.id, "coordinating_office_no_sector")


def test_without_a_place_the_lead_unit_begins_and_the_desk_is_told(
    session: Session, clock: FixedClock, county: County
) -> None:
    report = known(session, clock, None, (6, 0.9))
    services.propose(session, clock, report.id)
    proposal = proposed(session, report)
    assert (proposal.unit_id, proposal.rule) == (county.fire.id, "sector_lead_without_place")
    assert {"code": "no_place", "params": {}} in proposal.reasons


def test_a_place_outside_of_all_areas_is_told(session: Session, clock: FixedClock, county: County) -> None:
    report = known(session, clock, None, (6, 0.9))
    report.lat, report.lng = 30.0, 90.0
    services.propose(session, clock, report.id)
    assert {"code": "outside_county", "params": {}} in proposed(session, report).reasons


def test_the_registered_place_stands_in_for_a_missing_one(
    session: Session, clock: FixedClock, county: County
) -> None:
    report = known(session, clock, None, (6, 0.9))
    report.area_id = county.grid.id
    services.propose(session, clock, report.id)
    proposal = proposed(session, report)
    assert proposal.rule == "sector_lead"
    assert {"code": "place_of_enterprise", "params": {}} in proposal.reasons


def test_proposing_again_follows_the_sector_until_a_person_decided(
    session: Session, clock: FixedClock, county: County
) -> None:
    report = known(session, clock, county.grid, (6, 0.9))
    services.propose(session, clock, report.id)
    sector = session.scalars(sa.select(SectorProposal).where(SectorProposal.report_id == report.id)).one()
    sector.ranked = [{"sector_no": 13, "p": 0.9, "reasons": []}]
    services.propose(session, clock, report.id)
    assert proposed(session, report).unit_id == county.airport.id
    services.decide(session, clock, [report.id], county.town.id)
    sector.ranked = [{"sector_no": 6, "p": 0.9, "reasons": []}]
    services.propose(session, clock, report.id)
    proposal = proposed(session, report)
    assert (proposal.unit_id, proposal.decided_unit_id) == (county.airport.id, county.town.id)
    assert proposal.decided_at == clock.now()


def test_a_return_leads_to_a_new_proposal_that_shows_it(
    session: Session, clock: FixedClock, parts: Parts, county: County
) -> None:
    report = known(session, clock, county.grid, (6, 0.9))
    services.propose(session, clock, report.id)
    services.decide(session, clock, [report.id], county.fire.id)
    services.record_return(session, clock, [report.id], county.fire.id, "不属于消防")
    (task,) = session.scalars(sa.select(Task))
    assert (task.kind, task.payload) == ("routing.propose", {"report_id": str(report.id)})
    jobs.propose(Work(session, clock, parts), task.payload)
    proposal = proposed(session, report)
    assert (proposal.unit_id, proposal.rule, proposal.decided_at) == (county.town.id, "town_by_place", None)
    returned = {"unit": "县消防救援大队", "reason": "不属于消防"}
    assert {"code": "returned_by", "params": returned} in proposal.reasons


def test_a_county_without_a_coordinating_office_is_told_what_to_do(
    session: Session, clock: FixedClock
) -> None:
    report = make.report(session)
    with pytest.raises(Unavailable, match="is_coordinating"):
        services.propose(session, clock, report.id)


def test_a_report_that_does_not_exist_is_an_error(session: Session, clock: FixedClock) -> None:
    with pytest.raises(NotFound):
        services.propose(session, clock, uuid.uuid4())
