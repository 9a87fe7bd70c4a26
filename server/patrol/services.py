"""Patrols: checklists, visits that are planned onto phones, and inspections that come back."""

import json
import uuid
from datetime import date
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server.audit.services import record
from server.core.calendar import day_of
from server.core.clock import Clock
from server.core.db import Facts
from server.core.errors import NotFound
from server.core.ids import new_id
from server.enterprises.models import Enterprise
from server.enterprises.services import TOPIC, line_of
from server.identity.models import Area, Person
from server.identity.rules import SYSTEM
from server.intake.services import Opened
from server.patrol.models import Checklist, Inspection, Visit
from server.patrol.rules import compare_with_checklist, read_inspection
from server.patrol.schemas import ChecklistSchema, VisitSchema
from sync import changes

CHECKLISTS = Path(__file__).parent / "checklists"
GENERAL = "general"
Row = TypeVar("Row", Visit, Checklist, Enterprise)


def load_checklists(session: Session, folder: Path = CHECKLISTS) -> int:
    """Take over the versions that are not there yet and say how many; a version is never changed."""
    taken = 0
    for path in sorted(folder.glob("*.json")):
        told = json.loads(path.read_text("utf-8"))
        wanted = {name: told[name] for name in ("code", "version", "title", "sector_no", "items")}
        statement = insert(Checklist).values(id=new_id(), **wanted).on_conflict_do_nothing()
        taken += session.scalar(statement.returning(Checklist.id)) is not None
    return taken


def checklist_for(session: Session, sector_no: int) -> Checklist:
    """The newest checklist of the sector, else the general one. Raises NotFound when none is loaded."""
    found = session.scalar(
        sa.select(Checklist)
        .where(sa.or_(Checklist.sector_no == sector_no, Checklist.code == GENERAL))
        .order_by(Checklist.sector_no.is_(None), Checklist.version.desc())
        .limit(1)
    )
    if found is None:
        raise NotFound("checklist.none", "No checklist is loaded; load them first.")
    return found


def plan_visit(
    session: Session,
    clock: Clock,
    enterprise_id: uuid.UUID,
    inspector_id: uuid.UUID,
    due_on: date,
    reason: str,
) -> Visit:
    """Put a visit (due, recheck or pushed) onto the inspector's phone, with all that it needs without signal.

    A planned visit to the same enterprise on the same day is the same visit. What was done before today leaves
    the phone.
    """
    known = session.scalar(
        sa.select(Visit).where(
            Visit.enterprise_id == enterprise_id,
            Visit.inspector_id == inspector_id,
            Visit.due_on == due_on,
            Visit.state == "planned",
        )
    )
    if known is not None:
        return known
    enterprise = session.get_one(Enterprise, enterprise_id)
    checklist = checklist_for(session, enterprise.sector_no)
    visit = Visit(
        enterprise_id=enterprise_id,
        inspector_id=inspector_id,
        checklist_id=checklist.id,
        due_on=due_on,
        reason=reason,
        state="planned",
    )
    session.add(visit)
    session.flush()
    stream = f"person:{inspector_id}"
    line = line_of(enterprise, session.get_one(Area, enterprise.area_id))
    changes.publish(session, stream, TOPIC, str(enterprise_id), line)
    changes.publish(session, stream, "checklist", str(checklist.id), ChecklistSchema().dump(checklist))
    changes.publish(session, stream, "visit", str(visit.id), VisitSchema().dump(visit))
    _clear_phone(session, clock, inspector_id)
    return visit


def record_inspection(session: Session, clock: Clock, opened: Opened) -> None:
    """Keep an inspection and mark its visit as done. Doing it again changes nothing."""
    submission = opened.submission
    if submission.sender_id is None or session.get(Inspection, submission.id) is not None:
        return
    fields = read_inspection(opened.body, submission.received_at)
    flags = list(fields.flags)
    visit = _known(session, Visit, fields.visit_id, "visit_id", flags)
    checklist = _known(session, Checklist, fields.checklist_id, "checklist_id", flags)
    enterprise = _known(session, Enterprise, fields.enterprise_id, "enterprise_id", flags)
    if checklist is not None:
        flags += compare_with_checklist(fields.answers, [item["id"] for item in checklist.items])
    if visit is not None and visit.inspector_id != submission.sender_id:
        flags.append({"code": "visit_of_somebody_else", "field": "visit_id", "detail": str(visit.id)})
    if visit is not None and enterprise is not None and visit.enterprise_id != enterprise.id:
        flags.append({"code": "other_enterprise", "field": "enterprise_id", "detail": str(enterprise.id)})
    session.add(
        Inspection(
            submission_id=submission.id,
            visit_id=visit.id if visit else None,
            enterprise_id=enterprise.id if enterprise else visit.enterprise_id if visit else None,
            inspector_id=submission.sender_id,
            checklist_id=checklist.id if checklist else None,
            answers=fields.answers,
            hazards=fields.hazards,
            signatures=fields.signatures,
            started_at=fields.started_at,
            ended_at=fields.ended_at,
            received_at=submission.received_at,
            flags=flags,
        )
    )
    if visit is not None and visit.state != "done":
        visit.state, visit.done_at = "done", submission.received_at
        session.flush()
        stream = f"person:{visit.inspector_id}"
        changes.publish(session, stream, "visit", str(visit.id), VisitSchema().dump(visit))
    inspector = session.get_one(Person, submission.sender_id)
    facts = {"inspector": str(inspector.id), "flags": len(flags)}
    record(session, clock, SYSTEM, "inspection.record", "inspection", submission.id, **facts)
    session.flush()


def _known(
    session: Session, kind: type[Row], row_id: uuid.UUID | None, field: str, flags: list[Facts]
) -> Row | None:
    """The row that a phone named; one that is not there is flagged."""
    if row_id is None:
        return None
    row = session.get(kind, row_id)
    if row is None:
        flags.append({"code": f"unknown_{field.removesuffix('_id')}", "field": field, "detail": str(row_id)})
    return row


def _clear_phone(session: Session, clock: Clock, inspector_id: uuid.UUID) -> None:
    """Take off the phone what was done before today."""
    done = sa.select(Visit).where(
        Visit.inspector_id == inspector_id, Visit.state == "done", Visit.due_on < day_of(clock.now())
    )
    for visit in session.scalars(done):
        changes.withdraw(session, f"person:{inspector_id}", "visit", str(visit.id))
