"""One case, whole: what desk and leaders read, and the little of it that a unit does."""

import uuid
from collections.abc import Collection, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from server.cases import rules, sheet
from server.cases.models import Case, CaseReport
from server.cases.rules import CaseFacts, Sight, State, Transition
from server.cases.services import facts_of
from server.core.db import Facts
from server.core.errors import NotFound
from server.enterprises.models import Enterprise
from server.feedback.models import Satisfaction
from server.feedback.services import conversation
from server.identity.models import Area, Person, Unit
from server.identity.rules import Actor
from server.intake.models import Medium, Report, ReporterChannel
from server.intake.services import evidence_of, media_of
from server.reports.models import DeskRow
from server.reports.queues import scope_of
from server.reports.rows import FIRST_WORDS, case_rows
from server.routing.models import RoutingProposal
from server.triage.models import DuplicateSuggestion, Sector, SectorProposal

Media = dict[uuid.UUID, list[Medium]]


def case_page(session: Session, actor: Actor, case_id: uuid.UUID) -> Facts:
    """The case as this person may see it, with the steps this person may take. Raises NotFound."""
    case = session.get(Case, case_id)
    if case is None:
        raise NotFound()
    facts = facts_of(session, case)
    seen = rules.sight(facts, actor)
    if seen is None:
        raise NotFound()
    return page_of(session, actor, case, facts, seen)


def page_of(session: Session, actor: Actor, case: Case, facts: CaseFacts, seen: Sight) -> Facts:
    """The page for a known sight: who has just handed a case on still reads the answer to that step."""
    steps = rules.allowed_steps(facts, actor)
    if seen is Sight.FULL:
        return _full(session, actor, case, facts, steps)
    return _for_unit(session, case, facts, steps)


def _for_unit(session: Session, case: Case, facts: CaseFacts, steps: Sequence[Transition]) -> Facts:
    page = sheet.case_sheet(session, case, facts, steps)
    pictures: list[Facts] = page["media"]
    return {
        **page,
        "text": case.matter[:FIRST_WORDS],
        "thumb": next((picture["id"] for picture in pictures if picture["thumb_key"]), None),
        "media_count": len(pictures),
        "suggested_duplicates": 0,
        "flags": [],
        "proposed": None,
        "sectors": [],
        "reports": [],
        "suggestions": [],
        "merged_into": None,
    }


def _full(session: Session, actor: Actor, case: Case, facts: CaseFacts, steps: Sequence[Transition]) -> Facts:
    names = session.execute(
        sa.select(Area.name, Enterprise.name, Unit.name)
        .select_from(Case)
        .outerjoin(Area, Area.id == Case.area_id)
        .outerjoin(Enterprise, Enterprise.id == Case.enterprise_id)
        .outerjoin(Unit, Unit.id == Case.unit_id)
        .where(Case.id == case.id)
    ).one()
    reports = sheet.reports_of(session, case.id)
    events = sheet.events_of(session, case.id)
    own = [report.id for report in reports]
    suggestions = _suggested(session, actor, own)
    media = media_of(
        session,
        [report.submission_id for report in reports]
        + [event.submission_id for event in events if event.submission_id]
        + [one.report.submission_id for one in suggestions if one.in_reach],
    )
    first = reports[0].id if reports else None
    return {
        **sheet.own_facts(case),
        **case_rows(session, [(case, *names)])[0],
        "place": next((place(report) for report in reports if report.lat is not None), None),
        "media": evidence_of(session, reports),
        "history": [sheet.event_facts(event, media) for event in events],
        "stays": sheet.stays_of(session, events),
        "clocks": sheet.clocks_of(session, case.id),
        "steps": [sheet.step_facts(facts, row) for row in steps],
        "proposed": _proposed(session, first),
        "sectors": _sectors(session, first),
        "reports": _reports(session, reports, media),
        "suggestions": [_suggestion(row, own, media) for row in suggestions],
        "merged_into": case.merged_into_id,
    }


def place(report: Report) -> Facts | None:
    """Where, with the reporter's own words; None when nothing was said."""
    if report.lat is None and not report.place_words:
        return None
    return sheet.without_words(report) | {"words": report.place_words}


def _reports(session: Session, reports: Sequence[Report], media: Media) -> list[Facts]:
    ids = [report.id for report in reports]
    entered_by = aliased(Person)
    names = {
        report_id: (area, enterprise, inspector, receipt, clerk)
        for report_id, area, enterprise, inspector, receipt, clerk in session.execute(
            sa.select(
                Report.id,
                Area.name,
                Enterprise.name,
                Person.name,
                ReporterChannel.receipt_hash.is_not(None),
                entered_by.name,
            )
            .outerjoin(Area, Area.id == Report.area_id)
            .outerjoin(Enterprise, Enterprise.id == Report.enterprise_id)
            .outerjoin(Person, Person.id == Report.reporter_id)
            .outerjoin(entered_by, entered_by.id == Report.entered_by_id)
            .outerjoin(ReporterChannel, ReporterChannel.report_id == Report.id)
            .where(Report.id.in_(ids))
        )
    }
    messages = conversation(session, ids)
    satisfaction = {
        row.report_id: row
        for row in session.scalars(sa.select(Satisfaction).where(Satisfaction.report_id.in_(ids)))
    }
    return [
        {
            "id": report.id,
            "number": report.number,
            "seq": report.seq,
            "kind": report.kind,
            "channel": report.channel,
            "received_at": report.received_at,
            "captured_at": report.captured_at,
            "arrived_on": report.arrived_on,
            "entered_by": names[report.id][4],
            "text": report.text,
            "hazard_type": report.hazard_type,
            "level": report.level,
            "clause": report.clause,
            "due_on": report.due_on,
            "fixed_on_spot": report.fixed_on_spot,
            "place": place(report),
            "area_name": names[report.id][0],
            "enterprise": names[report.id][1],
            "enterprise_words": report.enterprise_words,
            "inspector": names[report.id][2],
            "named": report.named,
            "wants_notice": report.wants_notice,
            "answerable": names[report.id][3],
            "flags": report.flags,
            "media": media.get(report.submission_id, []),
            "messages": messages[report.id],
            "satisfaction": satisfaction.get(report.id),
        }
        for report in reports
    ]


def _proposed(session: Session, report_id: uuid.UUID | None) -> Facts | None:
    """What routing proposes for the first report."""
    row = session.execute(
        sa.select(RoutingProposal, Unit)
        .join(Unit, Unit.id == RoutingProposal.unit_id)
        .where(RoutingProposal.report_id == report_id)
    ).one_or_none()
    if row is None:
        return None
    proposal, unit = row
    return {"unit": unit, "rule": proposal.rule, "reasons": proposal.reasons}


def _sectors(session: Session, report_id: uuid.UUID | None) -> list[Facts]:
    """The likeliest sectors of the first report, best first."""
    proposal = session.scalar(sa.select(SectorProposal).where(SectorProposal.report_id == report_id))
    if proposal is None:
        return []
    numbers = [row["sector_no"] for row in proposal.ranked]
    titles = dict(session.execute(sa.select(Sector.no, Sector.title).where(Sector.no.in_(numbers))).all())
    return [
        {**row, "title": titles[row["sector_no"]]} for row in proposal.ranked if row["sector_no"] in titles
    ]


class _Suggested(NamedTuple):
    """A suspicion, with the other report and its case."""

    suspicion: DuplicateSuggestion
    report: Report
    case: Case
    enterprise: str | None
    in_reach: bool
    """Whether the person sees that case as well: only then what was reported there is shown (DOMAIN.md §5)."""


def _suggested(session: Session, actor: Actor, report_ids: Sequence[uuid.UUID]) -> list[_Suggested]:
    """Suspicions about these reports in both directions; best first.

    What is already joined in one case needs no judgement any more.
    """
    own = set(report_ids)
    statement = sa.select(DuplicateSuggestion).where(
        sa.or_(DuplicateSuggestion.report_id.in_(own), DuplicateSuggestion.other_id.in_(own))
    )
    pairs = [
        (one.other_id if one.report_id in own else one.report_id, one) for one in session.scalars(statement)
    ]
    # Apart: no planner guesses how few these are, and it would read the reports of all cases through.
    others = session.execute(
        sa.select(Report, Case, Enterprise.name, scope_of(session, actor))
        .join(CaseReport, sa.and_(CaseReport.report_id == Report.id, CaseReport.left_at.is_(None)))
        .join(Case, Case.id == CaseReport.case_id)
        .join(DeskRow, DeskRow.case_id == Case.id)
        .outerjoin(Enterprise, Enterprise.id == Report.enterprise_id)
        .where(Report.id.in_({other_id for other_id, _ in pairs} - own))
    ).all()
    found = [_Suggested(one, *row) for other_id, one in pairs for row in others if row[0].id == other_id]
    return sorted(found, key=lambda one: (-one.suspicion.score, one.suspicion.id))


def _suggestion(row: _Suggested, own: Collection[uuid.UUID], media: Media) -> Facts:
    suspicion, other, case, enterprise, in_reach = row
    return {
        "id": suspicion.id,
        "outcome": suspicion.outcome,
        "earlier": suspicion.report_id in own,
        "score": suspicion.score,
        "reasons": suspicion.reasons if in_reach else [],
        "judged": suspicion.judged,
        "in_reach": in_reach,
        "other": {
            "case_id": case.id,
            "number": case.number,
            "state": State(case.state),
            "text": other.text if in_reach else "",
            "received_at": other.received_at,
            "closed_at": case.closed_at,
            "place": place(other) if in_reach else None,
            "enterprise": (enterprise or other.enterprise_words or None) if in_reach else None,
            "media": media.get(other.submission_id, []),
        },
    }
