"""Which unit is responsible? Named rules, tried in order; somebody always is. Pure (DOMAIN.md §1, §2)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from server.triage.rules import Reason

LEAST_P = 0.15
"""A sector less likely than this is no answer to "not ours"."""
MOST_RETURNS = 3
"""After so many returns the coordinating office decides."""
HABIT = 3
"""So many returns of such matters, and more than were kept, put a unit behind the others."""


class Rule(StrEnum):
    """By which rule a unit was proposed."""

    COUNTY_RULE = "county_rule"
    """A row of the county's own rules, which go before all others."""
    SECTOR_LEAD = "sector_lead"
    CROSS_CUTTING_LEAD = "cross_cutting_lead"
    """Rows 1–2 of the table: everybody's own duty, for their lead unit."""
    SECTOR_LEAD_WITHOUT_PLACE = "sector_lead_without_place"
    """The town cannot be told; the lead unit of the county can begin."""
    LIKELIEST_SECTOR_LEAD = "likeliest_sector_lead"
    """The sector is not sure: the desk should look."""
    ENFORCEMENT_UNIT = "enforcement_unit"
    """The lead unit returned it and may not punish."""
    NEXT_SECTOR_LEAD = "next_sector_lead"
    """The lead unit of a likelier sector returned it."""
    TOWN_BY_PLACE = "town_by_place"
    """各乡镇党委、政府: the town of the report's place, when the lead units returned it."""
    COORDINATING_OFFICE_NO_SECTOR = "coordinating_office_no_sector"
    COORDINATING_OFFICE_RETURNED = "coordinating_office_returned"
    """Every other unit returned it, or three returns were enough."""


class PlaceKnown(StrEnum):
    """How the town was told."""

    BY_REPORT = "by_report"
    BY_ENTERPRISE = "place_of_enterprise"
    OUTSIDE = "outside_county"
    MISSING = "no_place"


@dataclass(frozen=True)
class UnitFacts:
    """单位, as far as routing looks at it."""

    id: UUID
    name: str
    enforces: bool = True


class Edge(StrEnum):
    """What was unclear about the place's area."""

    BORDER = "place_on_border"
    OVERLAP = "place_in_overlap"


@dataclass(frozen=True)
class CountyRule:
    """A row of a rule set: whose is what lies in this area × sector × hazard type × enterprise; None: any."""

    set_number: int
    position: int
    name: str
    unit: UnitFacts | None
    """The lead unit; None: the town of the place."""
    area_path: str | None = None
    sector_no: int | None = None
    hazard_type: str | None = None
    enterprise_id: UUID | None = None
    responsible: tuple[UnitFacts, ...] = ()
    enforcement: UnitFacts | None = None


@dataclass(frozen=True)
class SectorRow:
    """A likely sector with its units. `by_place`: the row names 各乡镇党委、政府."""

    no: int
    title: str
    p: float
    lead: UnitFacts
    responsible: tuple[UnitFacts, ...] = ()
    by_place: bool = False
    cross_cutting: bool = False

    @property
    def enforcement_unit(self) -> UnitFacts | None:
        """Who may punish, when the lead unit may not: the first responsible unit that does."""
        if self.lead.enforces:
            return None
        return next((unit for unit in self.responsible if unit.enforces and unit.id != self.lead.id), None)


@dataclass(frozen=True)
class Returned:
    """退回: a unit that said "not ours", and why."""

    unit: UnitFacts
    reason: str


@dataclass(frozen=True)
class Question:
    """All that routing knows of a report."""

    sectors: Sequence[SectorRow]
    """Likeliest first."""
    decided: bool
    """Triage is sure of the first sector."""
    town: UnitFacts | None
    place: PlaceKnown
    coordinating: UnitFacts
    returned: Sequence[Returned] = ()
    area_path: str | None = None
    hazard_type: str | None = None
    enterprise_id: UUID | None = None
    county_rules: Sequence[CountyRule] = ()
    """Of the set in use, in its order."""
    edge: Edge | None = None
    habits: Mapping[UUID, int] = field(default_factory=dict)
    """Units that returned such matters before more often than they kept them, and how often."""


@dataclass(frozen=True)
class Proposal:
    """The unit, the rule that chose it, and why."""

    unit: UnitFacts
    rule: Rule
    reasons: list[Reason]
    enforcement_unit: UnitFacts | None = None
    county_rule: CountyRule | None = None


@dataclass(frozen=True)
class _Candidate:
    """A unit that comes into question, and why."""

    unit: UnitFacts
    rule: Rule
    sector: SectorRow | None
    county_rule: CountyRule | None = None


def matches(rule: CountyRule, question: Question) -> bool:
    """Whether a county's rule speaks of the report, by the likeliest sector."""
    inside = rule.area_path is None or (
        question.area_path is not None and (question.area_path + "/").startswith(rule.area_path + "/")
    )
    sector_no = question.sectors[0].no if question.sectors else None
    return (
        inside
        and rule.sector_no in (None, sector_no)
        and rule.hazard_type in (None, question.hazard_type)
        and rule.enterprise_id in (None, question.enterprise_id)
        and (rule.unit or question.town) is not None
    )


def propose(question: Question) -> Proposal:
    """The first unit that has not returned the report; the coordinating office when there is none."""
    gone = {returned.unit.id for returned in question.returned}
    returns = [_reason("returned_by", unit=r.unit.name, reason=r.reason) for r in question.returned]
    office = Rule.COORDINATING_OFFICE_RETURNED if question.sectors else Rule.COORDINATING_OFFICE_NO_SECTOR
    if len(question.returned) < MOST_RETURNS:
        able = [found for found in _in_order(question) if found.unit.id not in gone]
        # What a person wrote as a rule stands, whatever the unit did before.
        back = [c for c in able if c.county_rule is None and c.unit.id in question.habits]
        for found in [c for c in able if c not in back] + back:
            reasons = [*_why(question, found), *_habits(question, back), *returns]
            rule = found.county_rule
            enforcement = rule.enforcement if rule else _enforcement(found.unit, found.sector)
            return Proposal(found.unit, found.rule, reasons, enforcement, rule)
    reasons = [] if question.sectors else [_reason("no_sector")]
    return Proposal(question.coordinating, office, [*reasons, *_place_reasons(question), *returns])


def _in_order(question: Question) -> Iterator[_Candidate]:
    """Who comes into question, the most fitting first."""
    first = question.sectors[0] if question.sectors else None
    for rule in question.county_rules:
        unit = rule.unit or question.town
        if unit and matches(rule, question):
            yield _Candidate(unit, Rule.COUNTY_RULE, first, rule)
    for position, sector in enumerate(question.sectors):
        if position and sector.p < LEAST_P:
            continue
        rule_name = Rule.NEXT_SECTOR_LEAD if position else _lead_rule(question, sector)
        yield _Candidate(sector.lead, rule_name, sector)
        if sector.enforcement_unit:
            yield _Candidate(sector.enforcement_unit, Rule.ENFORCEMENT_UNIT, sector)
    by_place = next((sector for sector in question.sectors if sector.by_place), None)
    if by_place and question.town:
        yield _Candidate(question.town, Rule.TOWN_BY_PLACE, by_place)


def _habits(question: Question, back: Sequence[_Candidate]) -> list[Reason]:
    """That units were put behind the others, once each."""
    names = {found.unit.id: found.unit.name for found in back}
    return [_reason("returns_such", unit=name, n=question.habits[key]) for key, name in names.items()]


def _lead_rule(question: Question, sector: SectorRow) -> Rule:
    if not question.decided:
        return Rule.LIKELIEST_SECTOR_LEAD
    if sector.cross_cutting:
        return Rule.CROSS_CUTTING_LEAD
    if sector.by_place and question.town is None:
        return Rule.SECTOR_LEAD_WITHOUT_PLACE
    return Rule.SECTOR_LEAD


def _enforcement(unit: UnitFacts, sector: SectorRow | None) -> UnitFacts | None:
    return sector.enforcement_unit if sector and unit.id == sector.lead.id else None


def _why(question: Question, found: _Candidate) -> list[Reason]:
    unit, rule, sector = found.unit, found.county_rule, found.sector
    reasons = []
    if rule:
        reasons.append(_reason("county_rule", name=rule.name, set=rule.set_number, no=rule.position))
        also = [other for other in question.county_rules if other != rule and matches(other, question)]
        if also:
            reasons.append(_reason("other_rules_too", n=len(also), name=also[0].name))
        if rule.responsible:
            names = [responsible.name for responsible in rule.responsible]
            reasons.append(_reason("responsible_units", units=names))
    if sector:
        percent = round(sector.p * 100)
        reasons.append(_reason("sector", sector_no=sector.no, title=sector.title, percent=percent))
        if not question.decided:
            reasons.append(_reason("sector_uncertain", percent=percent))
    if found.rule is Rule.TOWN_BY_PLACE or (rule and rule.unit is None):
        reasons.append(_reason("town_of_place", unit=unit.name))
    elif sector and sector.by_place and question.town:
        reasons.append(_reason("responsible_town", unit=question.town.name))
    enforcement = rule.enforcement if rule else sector.enforcement_unit if sector else None
    if not unit.enforces and enforcement:
        reasons.append(_reason("lead_cannot_enforce", unit=unit.name, enforcement_unit=enforcement.name))
    return reasons + _place_reasons(question)


def _place_reasons(question: Question) -> list[Reason]:
    unclear = [_reason(question.edge.value)] if question.edge else []
    return unclear if question.place is PlaceKnown.BY_REPORT else [_reason(question.place.value)]


def _reason(code: str, **params: Any) -> Reason:
    return {"code": code, "params": params}
