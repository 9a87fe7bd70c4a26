"""The queues of the desk: which cases lie in which, counted and listed page by page."""

import base64
import binascii
import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import TypeVarTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from server.cases.models import Case, CaseReport
from server.cases.rules import State
from server.core.db import Facts
from server.core.errors import Invalid
from server.enterprises.models import Enterprise
from server.feedback.models import Message
from server.identity.models import Area, Unit
from server.identity.rules import Actor, Role
from server.intake.models import Medium, Report
from server.intake.services import media_of
from server.triage.models import DuplicateSuggestion

Columns = TypeVarTuple("Columns")
LARGEST_PAGE = 200
FIRST_WORDS = 120


class Queue(StrEnum):
    """Kinds of work at the desk, in the order of work."""

    NEW = "new"
    DUPLICATES = "duplicates"
    TO_SIGN = "to_sign"
    RETURNED = "returned"
    IN_HAND = "in_hand"
    TO_ARCHIVE = "to_archive"


STATES: dict[Queue, tuple[State, ...]] = {
    Queue.NEW: (State.REGISTERED,),
    Queue.DUPLICATES: (State.REGISTERED,),
    Queue.TO_SIGN: (State.TO_SIGN,),
    Queue.RETURNED: (State.RETURNED,),
    Queue.IN_HAND: (
        State.TRANSFERRED,
        State.SIGNED_FOR,
        State.RECTIFYING,
        State.TO_RECHECK,
        State.TO_REPLY,
    ),
    Queue.TO_ARCHIVE: (State.REPLIED,),
}


def counts(session: Session, actor: Actor) -> list[Facts]:
    """Every queue with the number of cases that this person sees in it."""
    scope = _scope(session, actor)
    waiting = Case.state.in_([state for states in STATES.values() for state in states])
    of_state = _scoped(sa.select(Case.state, sa.func.count()), scope).where(waiting).group_by(Case.state)
    by_state: dict[str, int] = dict(session.execute(of_state).all())
    duplicates = _scoped(sa.select(sa.func.count()).select_from(Case), scope).where(*_in(Queue.DUPLICATES))
    return [
        {
            "code": queue,
            "count": session.scalar(duplicates)
            if queue is Queue.DUPLICATES
            else sum(by_state.get(state, 0) for state in states),
        }
        for queue, states in STATES.items()
    ]


def page(session: Session, actor: Actor, queue: Queue | None, after: str | None, limit: int) -> Facts:
    """A page of a queue (None: all cases), oldest first; six queries whatever its length. Raises Invalid."""
    statement = (
        _scoped(sa.select(Case, Area.name, Enterprise.name, Unit.name), _scope(session, actor))
        .outerjoin(Enterprise, Enterprise.id == Case.enterprise_id)
        .outerjoin(Unit, Unit.id == Case.unit_id)
        .order_by(Case.first_received_at, Case.id)
        .limit(limit + 1)
    )
    if queue is not None:
        statement = statement.where(*_in(queue))
    if after is not None:
        statement = statement.where(sa.tuple_(Case.first_received_at, Case.id) > _position(after))
    found = session.execute(statement).all()
    shown = found[:limit]
    rows = case_rows(session, [(case, area, firm, unit) for case, area, firm, unit in shown])
    last = shown[-1][0] if len(found) > limit else None
    return {"items": rows, "next": _cursor(last) if last is not None else None}


def case_rows(
    session: Session, found: Sequence[tuple[Case, str | None, str | None, str | None]]
) -> list[Facts]:
    """Rows (CaseRowSchema) of cases with the names of their area, enterprise and unit."""
    ids = [case.id for case, *_ in found]
    reports: dict[uuid.UUID, list[Report]] = defaultdict(list)
    current = (
        sa.select(CaseReport.case_id, Report)
        .join(Report, Report.id == CaseReport.report_id)
        .where(CaseReport.case_id.in_(ids), CaseReport.left_at.is_(None))
        .order_by(Report.seq)
    )
    for case_id, report in session.execute(current):
        reports[case_id].append(report)
    media = media_of(session, [report.submission_id for rows in reports.values() for report in rows])
    suspected: dict[uuid.UUID, int] = dict(
        session.execute(
            sa.select(CaseReport.case_id, sa.func.count())
            .join(DuplicateSuggestion, DuplicateSuggestion.report_id == CaseReport.report_id)
            .where(CaseReport.case_id.in_(ids), CaseReport.left_at.is_(None), _unjudged())
            .group_by(CaseReport.case_id)
        ).all()
    )
    asked = _unanswered(session, [report.id for rows in reports.values() for report in rows])
    return [
        _row(case, names, reports[case.id], media, suspected.get(case.id, 0), asked) for case, *names in found
    ]


def _row(
    case: Case,
    names: Sequence[str | None],
    reports: Sequence[Report],
    media: dict[uuid.UUID, list[Medium]],
    suspected: int,
    asked: set[uuid.UUID],
) -> Facts:
    area, enterprise, unit = names
    pictures = [medium for report in reports for medium in media.get(report.submission_id, [])]
    first = reports[0] if reports else None
    flags = {flag["code"] for report in reports for flag in report.flags}
    if case.unsatisfied:
        flags.add("unsatisfied")
    if any(report.id in asked for report in reports):
        flags.add("message")
    return {
        "id": case.id,
        "number": case.number,
        "state": State(case.state),
        "version": case.version,
        "title": case.title,
        "kind": case.kind,
        "risk": case.risk,
        "area_name": area,
        "enterprise": enterprise or (first.enterprise_words if first else None) or None,
        "first_received_at": case.first_received_at,
        "due_at": case.due_at,
        "text": first.text[:FIRST_WORDS] if first else "",
        "thumb": next(
            (medium.id for medium in pictures if medium.state == "ready" and medium.thumb_key), None
        ),
        "media_count": len(pictures),
        "suggested_duplicates": suspected,
        "urgent": case.urgent,
        "flags": sorted(flags),
        "unit_name": unit,
    }


def _unanswered(session: Session, report_ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """The reports whose last message is the reporter's."""
    latest = (
        sa.select(Message.report_id, Message.from_reporter)
        .where(Message.report_id.in_(report_ids))
        .ext(distinct_on(Message.report_id))
        .order_by(Message.report_id, Message.at.desc(), Message.id.desc())
    )
    return {report_id for report_id, from_reporter in session.execute(latest) if from_reporter}


def _unjudged() -> sa.ColumnElement[bool]:
    return DuplicateSuggestion.judged.is_(None)


def _in(queue: Queue) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = [Case.state.in_(STATES[queue])]
    if queue is Queue.DUPLICATES:
        conditions.append(
            sa.exists().where(
                CaseReport.case_id == Case.id,
                CaseReport.left_at.is_(None),
                DuplicateSuggestion.report_id == CaseReport.report_id,
                _unjudged(),
            )
        )
    return conditions


def _scope(session: Session, actor: Actor) -> sa.ColumnElement[bool]:
    """The cases that this person sees in full: the same rule as `cases.rules.sight`, as a condition."""
    root = session.scalar(sa.select(Area.path).where(Area.parent_id.is_(None)).limit(1)) or ""
    conditions: list[sa.ColumnElement[bool]] = []
    for grant in actor.grants:
        if grant.role not in (Role.DESK, Role.LEADER):
            continue
        within: list[sa.ColumnElement[bool]] = []
        if grant.unit_id is not None:
            within.append(Case.unit_id == grant.unit_id)
        if grant.area_path is not None and grant.area_path != root:
            below = Area.path.startswith(grant.area_path + "/", autoescape=True)
            within.append(sa.or_(Area.path == grant.area_path, below))
        conditions.append(sa.and_(sa.true(), *within))
    return sa.or_(sa.false(), *conditions)


def _scoped(statement: sa.Select[*Columns], scope: sa.ColumnElement[bool]) -> sa.Select[*Columns]:
    return statement.outerjoin(Area, Area.id == Case.area_id).where(scope)


def _cursor(case: Case) -> str:
    return base64.urlsafe_b64encode(f"{case.first_received_at.isoformat()}|{case.id}".encode()).decode()


def _position(after: str) -> sa.Tuple:
    try:
        at, _, case_id = base64.urlsafe_b64decode(after).decode().partition("|")
        return sa.tuple_(
            sa.literal(datetime.fromisoformat(at), sa.DateTime(timezone=True)),
            sa.literal(uuid.UUID(case_id), sa.Uuid()),
        )
    except (ValueError, binascii.Error) as fault:
        raise Invalid(
            "cases.after", "Start again from the first page: this is not one of our marks."
        ) from fault
