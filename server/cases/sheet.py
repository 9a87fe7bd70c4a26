"""转办单: what the responsible unit reads of a case, on the desk and on phones (DOMAIN.md §5).

The matter in the desk's words, photos, place and what was done: never a reporter's text, words for the place,
messages, named flag or channel, nor how many reported.
"""

import uuid
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.cases.models import Case, CaseClock, CaseEvent, CaseReport
from server.cases.rules import STEPS, CaseFacts, State, Step, Term, Transition, not_for
from server.cases.stays import stays
from server.core.db import Facts
from server.enterprises.models import Enterprise
from server.identity.models import Area, Unit
from server.intake.models import Medium, Report
from server.intake.services import evidence_of, media_of

UNIT_HISTORY = frozenset(row.step for row in STEPS if row.unit_reads)
"""What of the history is the unit's business; how the desk came to its decision is not."""

UNIT_CLOCKS = frozenset(
    {
        Term.HANDLE,
        Term.SIGN_FOR,
        Term.VERIFY,
        Term.PLAN,
        Term.RECTIFY,
        Term.RECHECK,
        Term.STRIKE_OFF,
        Term.REPLY,
        Term.EXTENSION,
        Term.LETTER,
        Term.LISTED,
    }
)
"""The clocks that tell the unit by when; the desk's and the leader's own are not its business."""


def case_sheet(session: Session, case: Case, facts: CaseFacts, steps: Sequence[Transition]) -> Facts:
    """The sheet (CaseSheetSchema) with the steps that may be taken by whoever it is for."""
    area = case.area_id and session.get(Area, case.area_id)
    unit = case.unit_id and session.get(Unit, case.unit_id)
    enterprise = case.enterprise_id and session.get(Enterprise, case.enterprise_id)
    reports = reports_of(session, case.id)
    whole = events_of(session, case.id)
    events = [event for event in whole if event.step in UNIT_HISTORY]
    media = media_of(session, [event.submission_id for event in events if event.submission_id])
    clocks = [clock for clock in clocks_of(session, case.id) if clock.name in UNIT_CLOCKS]
    return {
        **own_facts(case),
        # For the unit a case begins when the desk accepted it: the moment somebody sent a report may give them away.
        "first_received_at": case.accepted_at or case.first_received_at,
        "area_name": area.name if area else None,
        "unit_name": unit.name if unit else None,
        "enterprise": enterprise.name if enterprise else None,
        "place": next((without_words(report) for report in reports if report.lat is not None), None),
        "media": [without_time(medium) for medium in evidence_of(session, reports) if for_units(medium)],
        "history": [event_facts(event, media) for event in events],
        # What lay with others, and for how long, is not the unit's business.
        "stays": [
            stay for stay in stays_of(session, whole) if stay["unit_id"] == case.unit_id and stay["unit_id"]
        ],
        "clocks": clocks,
        "steps": [step_facts(facts, row) for row in steps],
    }


def own_facts(case: Case) -> Facts:
    """What the row of the case itself says, for all who may see it."""
    return {
        "id": case.id,
        "number": case.number,
        "state": State(case.state),
        "version": case.version,
        "title": case.title,
        "matter": case.matter,
        "kind": case.kind,
        "risk": case.risk,
        "urgent": case.urgent,
        "sides": case.sides,
        "enterprise_id": case.enterprise_id,
        "sector_no": case.sector_no,
        "unit_id": case.unit_id,
        "first_received_at": case.first_received_at,
        "accepted_at": case.accepted_at,
        "closed_at": case.closed_at,
        "due_at": case.due_at,
        "finding": case.finding,
        "reply": case.reply,
        "reward": case.reward,
        "replied_at": case.replied_at,
    }


def reports_of(session: Session, case_id: uuid.UUID) -> list[Report]:
    """The reports that are in the case now, in the order of their arrival."""
    return list(
        session.scalars(
            sa.select(Report)
            .join(CaseReport, CaseReport.report_id == Report.id)
            .where(CaseReport.case_id == case_id, CaseReport.left_at.is_(None))
            .order_by(Report.seq)
        )
    )


def events_of(session: Session, case_id: uuid.UUID) -> list[CaseEvent]:
    """The whole history, oldest first."""
    statement = sa.select(CaseEvent).where(CaseEvent.case_id == case_id).order_by(CaseEvent.at, CaseEvent.id)
    return list(session.scalars(statement))


def clocks_of(session: Session, case_id: uuid.UUID) -> list[CaseClock]:
    """All deadlines, those that ended too."""
    statement = sa.select(CaseClock).where(CaseClock.case_id == case_id)
    return list(session.scalars(statement.order_by(CaseClock.started_at, CaseClock.id)))


def without_words(report: Report) -> Facts:
    """The place as a point; the reporter's own words for it stay with the desk."""
    return {
        "lat": report.lat,
        "lng": report.lng,
        "accuracy_m": report.accuracy_m,
        "source": report.place_source,
        "words": "",
    }


def for_units(medium: Medium) -> bool:
    """Whether a unit may see this medium of a report: no original of a letter, no handwriting, no voice."""
    return not medium.original and medium.kind != "audio"


def without_time(medium: Medium) -> Facts:
    """A picture of a report as the unit sees it: not when it was taken, nor what the file claimed."""
    return {
        "id": medium.id,
        "kind": medium.kind,
        "state": medium.state,
        "mime": medium.mime,
        "width": medium.width,
        "height": medium.height,
        "duration_s": medium.duration_s,
        "captured_at": None,
        "flags": [],
        "thumb_key": medium.thumb_key,
    }


def event_facts(event: CaseEvent, media: dict[uuid.UUID, Any]) -> Facts:
    """One line of the history (EventSchema)."""
    return {
        "id": event.id,
        "at": event.at,
        "actor_name": event.actor_name,
        "step": Step(event.step),
        "from_state": State(event.from_state) if event.from_state else None,
        "to_state": State(event.to_state),
        "fields": event.fields,
        "late": event.late,
        "media": media.get(event.submission_id, []) if event.submission_id else [],
    }


def stays_of(session: Session, events: Sequence[CaseEvent]) -> list[Facts]:
    """How long the case lay with whom (StaySchema), by its whole history."""
    found = stays(events)
    names: dict[uuid.UUID, str] = dict(
        session.execute(
            sa.select(Unit.id, Unit.name).where(Unit.id.in_({one.unit_id for one in found if one.unit_id}))
        ).all()
    )
    return [{**asdict(one), "unit_name": names.get(one.unit_id) if one.unit_id else None} for one in found]


def step_facts(facts: CaseFacts, row: Transition) -> Facts:
    """A row of the table as the apps draw it (AllowedStepSchema)."""
    return {
        "step": row.step,
        "fields": row.fields,
        "from_spot": row.from_spot,
        "aside": row.aside,
        "undo_s": row.undo_s,
        "not_for": sorted(not_for(facts, row)),
    }
