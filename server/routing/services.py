"""Propose the responsible unit of a report, and remember what people and units said to it."""

import uuid
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server.core.clock import Clock
from server.core.errors import NotFound, Unavailable
from server.core.ids import new_id
from server.core.tasks import add
from server.identity.models import Area, Unit
from server.intake.models import Report
from server.routing import rules
from server.routing.models import RoutingProposal, UnitReturn
from server.routing.rules import PlaceKnown, Question, Returned, SectorRow, UnitFacts
from server.triage import services as triage
from server.triage.sector_rules import CROSS_CUTTING


def propose(session: Session, clock: Clock, report_id: uuid.UUID) -> None:
    """Store the proposal for a report, or a better one, as long as no person has decided.

    Raises Unavailable, so that it is tried again, while the county has no coordinating office.
    """
    if session.get(Report, report_id) is None:
        raise NotFound("report.not_found", f"There is no report {report_id}.")
    proposal = rules.propose(_question(session, report_id))
    news = {
        "unit_id": proposal.unit.id,
        "enforcement_unit_id": proposal.enforcement_unit.id if proposal.enforcement_unit else None,
        "rule": proposal.rule.value,
        "reasons": proposal.reasons,
        "created_at": clock.now(),
    }
    statement = insert(RoutingProposal).values(id=new_id(), report_id=report_id, **news)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["report_id"], set_=news, where=RoutingProposal.decided_at.is_(None)
        )
    )


def decide(session: Session, clock: Clock, report_ids: Iterable[uuid.UUID], unit_id: uuid.UUID) -> None:
    """A person gave these reports' matter to a unit; from now on proposals stay as the person saw them."""
    session.execute(
        sa.update(RoutingProposal)
        .where(RoutingProposal.report_id.in_(list(report_ids)))
        .values(decided_at=clock.now(), decided_unit_id=unit_id)
    )


def record_return(
    session: Session, clock: Clock, report_ids: Iterable[uuid.UUID], unit_id: uuid.UUID, reason: str
) -> None:
    """退回: the unit says that this is not its own. The desk decides again, with a proposal that shows it."""
    ids = list(report_ids)
    session.add_all(
        UnitReturn(report_id=report_id, unit_id=unit_id, reason=reason, returned_at=clock.now())
        for report_id in ids
    )
    session.flush()
    session.execute(
        sa.update(RoutingProposal)
        .where(RoutingProposal.report_id.in_(ids))
        .values(decided_at=None, decided_unit_id=None)
    )
    for report_id in ids:
        add(session, "routing.propose", {"report_id": str(report_id)})


def _question(session: Session, report_id: uuid.UUID) -> Question:
    report = session.get_one(Report, report_id)
    proposal = triage.sectors_for(session, [report_id]).get(report_id)
    ranked = proposal.ranked if proposal else []
    table = {sector.no: (sector, lead, units) for sector, lead, units in triage.sectors(session)}
    rows = []
    for guess in ranked:
        if guess["sector_no"] in table:
            sector, lead, units = table[guess["sector_no"]]
            rows.append(
                SectorRow(
                    no=sector.no,
                    title=sector.title,
                    p=guess["p"],
                    lead=_facts(lead),
                    responsible=tuple(_facts(unit) for _, unit in units if unit),
                    by_place=any(row.by_place for row, _ in units),
                    cross_cutting=sector.no in CROSS_CUTTING,
                )
            )
    returns = (
        sa.select(UnitReturn, Unit)
        .join(Unit, Unit.id == UnitReturn.unit_id)
        .where(UnitReturn.report_id == report_id)
        .order_by(UnitReturn.returned_at, UnitReturn.id)
    )
    return Question(
        sectors=rows,
        decided=proposal.decided if proposal else False,
        town=_town(session, report.area_id),
        place=_place_known(report),
        coordinating=_coordinating(session),
        returned=[Returned(_facts(unit), row.reason) for row, unit in session.execute(returns)],
    )


def _facts(unit: Unit) -> UnitFacts:
    return UnitFacts(unit.id, unit.name, unit.enforces)


def _place_known(report: Report) -> PlaceKnown:
    if report.area_id is None:
        return PlaceKnown.MISSING if report.lat is None else PlaceKnown.OUTSIDE
    return PlaceKnown.BY_REPORT if report.lat is not None else PlaceKnown.BY_ENTERPRISE


def _town(session: Session, area_id: uuid.UUID | None) -> UnitFacts | None:
    """The unit that stands for the town in which the area lies."""
    path = session.scalar(sa.select(Area.path).where(Area.id == area_id)) if area_id else None
    if path is None:
        return None
    codes = path.split("/")
    unit = session.scalar(
        sa.select(Unit)
        .join(Area, Area.id == Unit.area_id)
        .where(Unit.is_town, Area.kind == "town", Area.code.in_(codes))
        .order_by(Unit.code)
        .limit(1)
    )
    return _facts(unit) if unit else None


def _coordinating(session: Session) -> UnitFacts:
    unit = session.scalar(sa.select(Unit).where(Unit.is_coordinating).order_by(Unit.code).limit(1))
    if unit is None:
        raise Unavailable(
            "routing.no_coordinating_office",
            "Name the county's coordinating office: import units with is_coordinating = yes for one of them.",
        )
    return _facts(unit)
