"""Which unit is responsible? Named rules, tried in order; somebody always is. Pure (DOMAIN.md §1, §2)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from server.triage.rules import Reason

LEAST_P = 0.15
"""A sector less likely than this is no answer to "not ours"."""
MOST_RETURNS = 3
"""After so many returns the coordinating office decides."""


class Rule(StrEnum):
    """By which rule a unit was proposed."""

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


@dataclass(frozen=True)
class Proposal:
    """The unit, the rule that chose it, and why."""

    unit: UnitFacts
    rule: Rule
    reasons: list[Reason]
    enforcement_unit: UnitFacts | None = None


def propose(question: Question) -> Proposal:
    """The first unit that has not returned the report; the coordinating office when there is none."""
    gone = {returned.unit.id for returned in question.returned}
    returns = [_reason("returned_by", unit=r.unit.name, reason=r.reason) for r in question.returned]
    office = Rule.COORDINATING_OFFICE_RETURNED if question.sectors else Rule.COORDINATING_OFFICE_NO_SECTOR
    if len(question.returned) < MOST_RETURNS:
        for unit, rule, sector in _in_order(question):
            if unit.id not in gone:
                reasons = [*_why(question, unit, rule, sector), *returns]
                return Proposal(unit, rule, reasons, _enforcement(unit, sector))
    reasons = [] if question.sectors else [_reason("no_sector")]
    return Proposal(question.coordinating, office, [*reasons, *_place_reasons(question), *returns])


def _in_order(question: Question) -> Iterator[tuple[UnitFacts, Rule, SectorRow]]:
    """Who comes into question, the most fitting first."""
    for position, sector in enumerate(question.sectors):
        if position and sector.p < LEAST_P:
            continue
        yield sector.lead, _lead_rule(question, sector) if not position else Rule.NEXT_SECTOR_LEAD, sector
        if sector.enforcement_unit:
            yield sector.enforcement_unit, Rule.ENFORCEMENT_UNIT, sector
    by_place = next((sector for sector in question.sectors if sector.by_place), None)
    if by_place and question.town:
        yield question.town, Rule.TOWN_BY_PLACE, by_place


def _lead_rule(question: Question, sector: SectorRow) -> Rule:
    if not question.decided:
        return Rule.LIKELIEST_SECTOR_LEAD
    if sector.cross_cutting:
        return Rule.CROSS_CUTTING_LEAD
    if sector.by_place and question.town is None:
        return Rule.SECTOR_LEAD_WITHOUT_PLACE
    return Rule.SECTOR_LEAD


def _enforcement(unit: UnitFacts, sector: SectorRow) -> UnitFacts | None:
    return sector.enforcement_unit if unit.id == sector.lead.id else None


def _why(question: Question, unit: UnitFacts, rule: Rule, sector: SectorRow) -> list[Reason]:
    found = [_reason("sector", sector_no=sector.no, title=sector.title, percent=round(sector.p * 100))]
    if not question.decided:
        found.append(_reason("sector_uncertain", percent=round(sector.p * 100)))
    if rule is Rule.TOWN_BY_PLACE:
        found.append(_reason("town_of_place", unit=unit.name))
    elif sector.by_place and question.town:
        found.append(_reason("responsible_town", unit=question.town.name))
    if not unit.enforces and sector.enforcement_unit:
        enforcement = sector.enforcement_unit.name
        found.append(_reason("lead_cannot_enforce", unit=unit.name, enforcement_unit=enforcement))
    return found + _place_reasons(question)


def _place_reasons(question: Question) -> list[Reason]:
    return [] if question.place is PlaceKnown.BY_REPORT else [_reason(question.place.value)]


def _reason(code: str, **params: Any) -> Reason:
    return {"code": code, "params": params}
