"""Propose the responsible unit of a report, and remember what people and units said to it."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from server.core.clock import Clock
from server.core.errors import NotFound, Unavailable
from server.core.ids import new_id
from server.core.tasks import add
from server.identity.models import Area, Unit
from server.identity.rules import PlaceRule
from server.identity.services import area_at
from server.intake.models import Report
from server.routing import rules
from server.routing.models import RoutingProposal, RoutingRule, RuleSet, UnitReturn
from server.routing.rules import (
    HABIT,
    CountyRule,
    Edge,
    PlaceKnown,
    Proposal,
    Question,
    Returned,
    SectorRow,
    UnitFacts,
)
from server.triage import services as triage
from server.triage.models import SectorProposal
from server.triage.sector_words import CROSS_CUTTING

REMEMBERED = timedelta(days=365)
"""Returns older than this teach nothing any more."""
EDGES = {PlaceRule.BORDER: Edge.BORDER, PlaceRule.OVERLAP: Edge.OVERLAP}


@dataclass(frozen=True)
class Ground:
    """What is the same for all reports: the tables of sectors, units and towns, and the county's rules."""

    sectors: dict[int, SectorRow]
    towns: dict[str, UnitFacts]
    """By the code of the town's area."""
    coordinating: UnitFacts
    county_rules: Sequence[CountyRule]


def propose(session: Session, clock: Clock, report_id: uuid.UUID) -> None:
    """Store the proposal for a report, or a better one, as long as no person has decided.

    Raises Unavailable, so that it is tried again, while the county has no coordinating office.
    """
    report = session.get(Report, report_id)
    if report is None:
        raise NotFound("report.not_found", f"There is no report {report_id}.")
    ground = ground_of(session, set_in_use(session))
    proposal = judged(session, clock, report, ground)
    rule = proposal.county_rule
    news = {
        "unit_id": proposal.unit.id,
        "enforcement_unit_id": proposal.enforcement_unit.id if proposal.enforcement_unit else None,
        "rule": proposal.rule.value,
        "rule_set": rule.set_number if rule else None,
        "rule_position": rule.position if rule else None,
        "rule_name": rule.name if rule else None,
        "reasons": proposal.reasons,
        "created_at": clock.now(),
    }
    statement = insert(RoutingProposal).values(id=new_id(), report_id=report_id, **news)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["report_id"], set_=news, where=RoutingProposal.decided_at.is_(None)
        )
    )


def judged(session: Session, clock: Clock, report: Report, ground: Ground) -> Proposal:
    """Whose the report would be by these rules; nothing is stored."""
    return rules.propose(_question(session, clock, report, ground))


def rule_for(session: Session, report_ids: Iterable[uuid.UUID], unit_id: uuid.UUID) -> str:
    """The rule that proposed this unit for one of the reports, for the history of their case.

    Its name, and after a blank its set, number and name where it is one of the county's own; "by_person" when
    none of them proposed the unit.
    """
    proposal = session.scalar(
        sa.select(RoutingProposal)
        .where(RoutingProposal.report_id.in_(list(report_ids)), RoutingProposal.unit_id == unit_id)
        .order_by(RoutingProposal.created_at, RoutingProposal.id)
        .limit(1)
    )
    if proposal is None:
        return "by_person"
    own = f" {proposal.rule_set}-{proposal.rule_position} {proposal.rule_name}" if proposal.rule_set else ""
    return f"{proposal.rule}{own}"


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


def set_in_use(session: Session) -> RuleSet | None:
    """The county's own rules that are switched on."""
    in_use = sa.and_(RuleSet.used_from.is_not(None), RuleSet.used_until.is_(None))
    return session.scalar(sa.select(RuleSet).where(in_use))


def ground_of(session: Session, rule_set: RuleSet | None) -> Ground:
    """The tables as they are now, with the rules of this set."""
    sectors = {
        sector.no: SectorRow(
            no=sector.no,
            title=sector.title,
            p=0.0,
            lead=_facts(lead),
            responsible=tuple(_facts(unit) for _, unit in units if unit),
            by_place=any(row.by_place for row, _ in units),
            cross_cutting=sector.no in CROSS_CUTTING,
        )
        for sector, lead, units in triage.sectors(session)
    }
    towns = sa.select(Area.code, Unit).join(Unit, Unit.area_id == Area.id)
    towns = towns.where(Unit.is_town, Area.kind == "town").order_by(Unit.code.desc())
    return Ground(
        sectors,
        {code: _facts(unit) for code, unit in session.execute(towns)},
        _coordinating(session),
        county_rules(session, rule_set) if rule_set else [],
    )


def county_rules(session: Session, rule_set: RuleSet) -> list[CountyRule]:
    """The rules of a set in its order."""
    lead, enforcement = aliased(Unit), aliased(Unit)
    rows = session.execute(
        sa.select(RoutingRule, Area.path, lead, enforcement)
        .outerjoin(Area, Area.id == RoutingRule.area_id)
        .outerjoin(lead, lead.id == RoutingRule.unit_id)
        .outerjoin(enforcement, enforcement.id == RoutingRule.enforcement_unit_id)
        .where(RoutingRule.set_id == rule_set.id)
        .order_by(RoutingRule.position)
    ).all()
    named = {uuid.UUID(unit_id) for row, *_ in rows for unit_id in row.responsible}
    units = {unit.id: _facts(unit) for unit in session.scalars(sa.select(Unit).where(Unit.id.in_(named)))}
    return [
        CountyRule(
            set_number=rule_set.number,
            position=row.position,
            name=row.name,
            unit=_facts(unit) if unit else None,
            area_path=path,
            sector_no=row.sector_no,
            hazard_type=row.hazard_type,
            enterprise_id=row.enterprise_id,
            responsible=tuple(units[uuid.UUID(unit_id)] for unit_id in row.responsible),
            enforcement=_facts(enforcing) if enforcing else None,
        )
        for row, path, unit, enforcing in rows
    ]


def _question(session: Session, clock: Clock, report: Report, ground: Ground) -> Question:
    proposal = triage.sectors_for(session, [report.id]).get(report.id)
    ranked = proposal.ranked if proposal else []
    likely = [
        (ground.sectors[guess["sector_no"]], guess["p"])
        for guess in ranked
        if guess["sector_no"] in ground.sectors
    ]
    sectors = [
        SectorRow(row.no, row.title, p, row.lead, row.responsible, row.by_place, row.cross_cutting)
        for row, p in likely
    ]
    path = session.scalar(sa.select(Area.path).where(Area.id == report.area_id)) if report.area_id else None
    returns = (
        sa.select(UnitReturn, Unit)
        .join(Unit, Unit.id == UnitReturn.unit_id)
        .where(UnitReturn.report_id == report.id)
        .order_by(UnitReturn.returned_at, UnitReturn.id)
    )
    town = next((code for code in reversed((path or "").split("/")) if code in ground.towns), None)
    return Question(
        sectors=sectors,
        decided=proposal.decided if proposal else False,
        town=ground.towns[town] if town else None,
        place=_place_known(report),
        coordinating=ground.coordinating,
        returned=[Returned(_facts(unit), row.reason) for row, unit in session.execute(returns)],
        area_path=path,
        hazard_type=report.hazard_type,
        enterprise_id=report.enterprise_id,
        county_rules=ground.county_rules,
        edge=_edge(session, report),
        habits=_habits(session, clock, report, sectors[0].no, town) if sectors else {},
    )


def _habits(
    session: Session, clock: Clock, report: Report, sector_no: int, town: str | None
) -> dict[uuid.UUID, int]:
    """Units that, within a year, returned reports of this sector and town more often than they kept them.

    It mends itself: each matter that the unit is given again and keeps counts against it.
    """
    since = clock.now() - REMEMBERED
    such = sa.and_(
        sa.func.coalesce(SectorProposal.confirmed_no, SectorProposal.ranked[0]["sector_no"].as_integer())
        == sector_no,
        SectorProposal.report_id != report.id,
    )
    here = (
        sa.true()
        if town is None
        else (sa.literal("/") + Area.path + "/").contains(f"/{town}/", autoescape=True)
    )
    returned = (
        sa.select(UnitReturn.unit_id, UnitReturn.report_id)
        .join(SectorProposal, SectorProposal.report_id == UnitReturn.report_id)
        .join(Report, Report.id == UnitReturn.report_id)
        .outerjoin(Area, Area.id == Report.area_id)
        .where(UnitReturn.returned_at > since, such, here)
        .distinct()
    )
    counts = Counter(unit_id for unit_id, _ in session.execute(returned))
    often = {unit_id: n for unit_id, n in counts.items() if n >= HABIT}
    if not often:
        return {}
    kept = (
        sa.select(RoutingProposal.decided_unit_id, sa.func.count())
        .join(SectorProposal, SectorProposal.report_id == RoutingProposal.report_id)
        .join(Report, Report.id == RoutingProposal.report_id)
        .outerjoin(Area, Area.id == Report.area_id)
        .where(RoutingProposal.decided_unit_id.in_(often), RoutingProposal.decided_at > since, such, here)
        .group_by(RoutingProposal.decided_unit_id)
    )
    stayed = defaultdict(int, {unit_id: n for unit_id, n in session.execute(kept) if unit_id})
    return {unit_id: n for unit_id, n in often.items() if n > stayed[unit_id]}


def _edge(session: Session, report: Report) -> Edge | None:
    """Whether the place lies on a border or where areas overlap."""
    if report.lat is None or report.lng is None or report.area_id is None:
        return None
    hit = area_at(session, report.lat, report.lng)
    return EDGES.get(hit.rule) if hit else None


def _facts(unit: Unit) -> UnitFacts:
    return UnitFacts(unit.id, unit.name, unit.enforces)


def _place_known(report: Report) -> PlaceKnown:
    if report.area_id is None:
        return PlaceKnown.MISSING if report.lat is None else PlaceKnown.OUTSIDE
    return PlaceKnown.BY_REPORT if report.lat is not None else PlaceKnown.BY_ENTERPRISE


def _coordinating(session: Session) -> UnitFacts:
    unit = session.scalar(sa.select(Unit).where(Unit.is_coordinating).order_by(Unit.code).limit(1))
    if unit is None:
        raise Unavailable(
            "routing.no_coordinating_office",
            "Name the county's coordinating office: import units with is_coordinating = yes for one of them.",
        )
    return _facts(unit)
