"""The county's own rules: loaded, tried on last month's reports, switched on; and what returns teach."""

import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.audit.models import AuditEntry
from server.core.clock import FixedClock
from server.core.errors import NotFound
from server.core.tables import BadTable
from server.identity.models import Area
from server.identity.rules import SYSTEM
from server.identity.services import area_at
from server.intake.models import Report
from server.routing import rule_sets, services
from server.routing.models import RoutingProposal, UnitReturn
from server.triage.models import SectorProposal
from tests.factories import reports as make

HEADER = "规则名,区域代码,行业序号,隐患类型,企业,牵头单位,责任单位,执法单位\n"


@pytest.fixture
def town(session: Session) -> Area:
    whole = make.area(session, "632621", "玛沁县", "county")
    dawu = make.area(session, "632621100", "大武镇", "town", whole)
    fire, trade = make.unit(session, "县消防救援大队"), make.unit(session, "县商务局", enforces=False)
    make.unit(session, "大武镇人民政府", area_id=dawu.id, is_town=True)
    make.unit(session, "县安委办", is_coordinating=True)
    make.sector(session, 6, "消防", fire, None)
    make.sector(session, 9, "建筑施工", trade)
    return dawu


def told(session: Session, clock: FixedClock, area: Area, sector_no: int = 6) -> Report:
    report = make.report(
        session, "安全出口锁着", lat=34.4, lng=100.2, area_id=area.id, received_at=clock.now()
    )
    ranked = [{"sector_no": sector_no, "p": 0.9, "reasons": []}]
    session.add(
        SectorProposal(report_id=report.id, ranked=ranked, decided=True, model="t", created_at=clock.now())
    )
    session.flush()
    return report


def proposed(session: Session, clock: FixedClock, report: Report) -> RoutingProposal:
    services.propose(session, clock, report.id)
    session.expire_all()
    return session.scalars(sa.select(RoutingProposal).where(RoutingProposal.report_id == report.id)).one()


def test_a_set_is_tried_first_then_switched_on_and_named(
    session: Session, clock: FixedClock, town: Area
) -> None:
    reports = [told(session, clock, town) for _ in range(3)]
    told(session, clock, town, sector_no=9)
    data = f"{HEADER}大武商场,632621100,6,,,县商务局,各乡镇,县消防救援大队\n".replace(
        "各乡镇", "大武镇人民政府"
    )
    made = rule_sets.import_set(session, clock, SYSTEM, data.encode(), "商场归商务局")
    trial = rule_sets.try_set(session, clock, made.number)
    assert (trial.tried, trial.moved) == (4, 3)
    assert {(row.before, row.after, row.rule_name) for row in trial.rows} == {
        ("县消防救援大队", "县商务局", "大武商场")
    }
    assert proposed(session, clock, reports[0]).rule == "sector_lead"
    rule_sets.use_set(session, clock, SYSTEM, made.number)
    proposal = proposed(session, clock, reports[1])
    assert (proposal.rule, proposal.rule_set, proposal.rule_name) == ("county_rule", made.number, "大武商场")
    assert proposal.enforcement_unit_id is not None
    named = services.rule_for(session, [reports[1].id], proposal.unit_id)
    assert named == f"county_rule {made.number}-1 大武商场"
    assert services.rule_for(session, [reports[1].id], uuid.uuid4()) == "by_person"
    rule_sets.use_set(session, clock, SYSTEM, None)
    assert proposed(session, clock, reports[1]).rule == "sector_lead"
    acts = session.scalars(sa.select(AuditEntry.action).where(AuditEntry.action.startswith("routing.")))
    assert list(acts) == ["routing.import_set", "routing.use_set", "routing.leave_set"]


def test_a_set_comes_out_as_it_went_in(session: Session, clock: FixedClock, town: Area) -> None:
    rows = f"{HEADER}一,{town.code},6,,,各乡镇党委、政府,县商务局;县消防救援大队,\n二,,,,,县商务局,,\n"
    made = rule_sets.import_set(session, clock, SYSTEM, rows.encode(), "")
    again = rule_sets.import_set(
        session, clock, SYSTEM, rule_sets.export_set(session, made.number).encode(), ""
    )
    assert again.number == made.number + 1
    assert rule_sets.rows_of(session, again.number) == rule_sets.rows_of(session, made.number)
    assert rule_sets.rows_of(session, made.number)[0]["unit"] == "各乡镇党委、政府"


def test_every_bad_row_is_told_and_nothing_is_kept(session: Session, clock: FixedClock, town: Area) -> None:
    rows = f"{HEADER}一,999,77,no_such,无名厂,县商务局,,\n二,{town.code},6,,,无此单位,,\n"
    with pytest.raises(BadTable) as caught:
        rule_sets.import_set(session, clock, SYSTEM, rows.encode(), "")
    assert [fault.line for fault in caught.value.faults] == [2, 2, 2, 2, 3]
    assert rule_sets.sets(session) == []
    with pytest.raises(NotFound):
        rule_sets.use_set(session, clock, SYSTEM, 1)


def test_a_unit_that_always_returns_such_matters_is_put_behind_until_it_keeps_them(
    session: Session, clock: FixedClock, town: Area
) -> None:
    fire = proposed(session, clock, told(session, clock, town)).unit_id
    for _ in range(3):
        earlier = told(session, clock, town)
        session.add(
            UnitReturn(report_id=earlier.id, unit_id=fire, reason="不归我们", returned_at=clock.now())
        )
    session.flush()
    clock.advance(timedelta(days=1))
    proposal = proposed(session, clock, told(session, clock, town))
    assert (proposal.unit_id == fire, proposal.rule) == (False, "town_by_place")
    assert {"code": "returns_such", "params": {"unit": "县消防救援大队", "n": 3}} in proposal.reasons
    for _ in range(3):
        kept = told(session, clock, town)
        proposed(session, clock, kept)
        services.decide(session, clock, [kept.id], fire)
    assert proposed(session, clock, told(session, clock, town)).unit_id == fire


def test_a_place_on_a_border_is_told_and_found_by_the_index(
    session: Session, clock: FixedClock, town: Area
) -> None:
    for code, west in (("a", 100.0), ("b", 100.2)):
        area = make.area(session, code, code, "village", town)
        ring = [[west, 34], [west + 0.2, 34], [west + 0.2, 35], [west, 35], [west, 34]]
        area.polygon = {"type": "Polygon", "coordinates": [ring]}
        area.min_lng, area.min_lat, area.max_lng, area.max_lat = west, 34, west + 0.2, 35
    session.flush()
    hit = area_at(session, 34.4, 100.2)
    assert hit is not None
    report = told(session, clock, hit.area)
    assert {"code": "place_on_border", "params": {}} in proposed(session, clock, report).reasons
    assert area_at(session, 33.0, 100.1) is None
