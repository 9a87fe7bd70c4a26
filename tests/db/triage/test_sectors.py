"""Sectors on a real database: edited tables have effect at once; what people confirmed is learned from."""

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.core.clock import FixedClock
from server.core.errors import Invalid, NotFound
from server.core.tables import BadTable
from server.identity.rules import SYSTEM
from server.imports import load_table
from server.intake.models import Report
from server.triage import sectors, services
from server.triage.imports import import_hazard_types
from server.triage.models import SectorModel, SectorProposal
from server.triage.sector_learning import Figures
from server.triage.sector_rules import MODEL
from tests.factories import reports as make


@pytest.fixture
def table(session: Session) -> None:
    lead = make.unit(session, "县应急管理局")
    for no in range(1, 19):
        make.sector(session, no, f"行业{no}", lead)


def assessed(session: Session, clock: FixedClock, report: Report) -> SectorProposal:
    sectors.propose_sector(session, clock, report)
    session.expire_all()
    return session.scalars(sa.select(SectorProposal).where(SectorProposal.report_id == report.id)).one()


@pytest.mark.usefixtures("table")
def test_the_shipped_hazard_types_load_and_load_again(session: Session) -> None:
    data = sectors.HAZARD_TYPES.read_bytes()
    first = import_hazard_types(session, data)
    again = import_hazard_types(session, data)
    assert (first.added, again.unchanged) == (again.unchanged, first.added)
    kinds = services.hazard_types(session)
    assert len(kinds) == first.added
    assert [kind.chip_order for kind in kinds[:9]] == [1, 2, 3, 4, 5, 6, 7, 8, None]


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a,99,名,Name,词,,", "there is no sector 99"),
        ("a,x,名,Name,词,,", "sector_no: input should be a valid integer"),
        ("a,1,,Name,词,,", "name (名称) is empty"),
        ("a,1,名,Name,词,first,", "chip_order: input should be a valid integer"),
        ("a,1,名,Name,词,3,", "chip_order 3 is already in line 2"),
        ("good,1,名,Name,词,,", "code good is already in line 2"),
    ],
)
def test_one_bad_row_stores_nothing_and_is_told(session: Session, row: str, reason: str) -> None:
    header = "code,sector_no,name,name_en,keywords,chip_order,clause\n"
    data = f"{header}good,1,名,Name,词;语,3,\n{row}\n".encode()
    with pytest.raises(BadTable) as caught:
        import_hazard_types(session, data)
    assert [fault.line for fault in caught.value.faults] == [3]
    assert reason in str(caught.value)
    assert services.hazard_types(session) == []


@pytest.mark.usefixtures("table")
def test_an_edited_table_has_effect_at_once(session: Session, clock: FixedClock) -> None:
    report = make.report(session, "棚子里放着呼噜噜")
    before = assessed(session, clock, report)
    assert (before.ranked, before.model) == ([], MODEL)
    header = "code,sector_no,name,name_en,keywords\n"
    load_table(session, clock, "hazard-types", f"{header}own,9,本县的,Our own,呼噜噜\n".encode())
    after = assessed(session, clock, report)
    assert after.ranked[0]["sector_no"] == 9
    assert {"code": "words", "params": {"words": ["呼噜噜"]}} in after.ranked[0]["reasons"]


@pytest.mark.usefixtures("table")
def test_what_people_confirmed_is_learned_and_used_when_a_person_says_so(
    session: Session, clock: FixedClock
) -> None:
    for turn in range(40):
        told = ("河边的噜噜响", 11) if turn % 2 else ("山上的呱呱叫", 4)
        report = make.report(session, f"{told[0]}{turn}")
        sectors.propose_sector(session, clock, report)
        sectors.confirm_sector(session, clock, [report.id], told[1])
    model = sectors.train_sectors(session, clock)
    assert set(model.figures) == set(Figures.__annotations__)
    report = make.report(session, "又听见噜噜响")
    assert assessed(session, clock, report).ranked == []
    sectors.use_sectors(session, clock, SYSTEM, model.number)
    proposal = assessed(session, clock, report)
    assert (proposal.model, proposal.ranked[0]["sector_no"]) == (f"sectors-{model.number}", 11)
    assert {reason["code"] for reason in proposal.ranked[0]["reasons"]} == {"learned"}
    sectors.use_sectors(session, clock, SYSTEM, None)
    assert assessed(session, clock, report).model == MODEL


@pytest.mark.usefixtures("table")
def test_a_persons_word_stays_when_the_machine_proposes_again(session: Session, clock: FixedClock) -> None:
    report = make.report(session, "安全出口锁着")
    sectors.confirm_sector(session, clock, [report.id], 6)
    proposal = assessed(session, clock, report)
    assert (proposal.confirmed_no, proposal.model) == (6, MODEL)


def test_nothing_confirmed_is_told(session: Session, clock: FixedClock) -> None:
    with pytest.raises(Invalid):
        sectors.train_sectors(session, clock)
    with pytest.raises(NotFound):
        sectors.use_sectors(session, clock, SYSTEM, 7)
    assert session.scalar(sa.select(sa.func.count(SectorModel.id))) == 0
