"""What an enterprise's file says of its matters: the newest, and which of them came again after they were closed."""

import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from server.cases.models import Case, CaseReport
from server.core.db import Facts
from server.identity.rules import Actor
from server.reports.models import DeskRow
from server.reports.queues import rows_of, scope_of
from server.triage.models import DuplicateSuggestion

NEWEST = 20


def cases_of(session: Session, actor: Actor, enterprise_id: uuid.UUID) -> list[Facts]:
    """The newest matters that the actor sees in full, each with the one it brings back, unless a person said no."""
    seen = (
        sa.select(Case.id, Case.closed_at)
        .join(DeskRow, DeskRow.case_id == Case.id)
        .where(Case.enterprise_id == enterprise_id, scope_of(session, actor))
        .order_by(Case.first_received_at.desc(), Case.id)
        .limit(NEWEST)
    )
    closed = dict(session.execute(seen).all())
    again = _again(session, actor, list(closed))
    return [
        row | {"closed_at": closed[row["id"]], "again": again.get(row["id"])}
        for row in rows_of(session, list(closed))
    ]


def _again(session: Session, actor: Actor, case_ids: list[uuid.UUID]) -> dict[uuid.UUID, Facts]:
    """Case → the closed one that it brings back, where the actor sees that one in full as well."""
    mine, theirs = aliased(CaseReport), aliased(CaseReport)
    found = session.execute(
        sa.select(mine.case_id, Case)
        .join(DuplicateSuggestion, DuplicateSuggestion.report_id == mine.report_id)
        .join(theirs, sa.and_(theirs.report_id == DuplicateSuggestion.other_id, theirs.left_at.is_(None)))
        .join(Case, Case.id == theirs.case_id)
        .join(DeskRow, DeskRow.case_id == Case.id)
        .where(
            scope_of(session, actor),
            mine.case_id.in_(case_ids),
            mine.left_at.is_(None),
            DuplicateSuggestion.outcome == "recurrence",
            DuplicateSuggestion.judged.is_distinct_from("different"),
        )
    )
    return {
        case_id: {"case_id": earlier.id, "number": earlier.number, "closed_at": earlier.closed_at}
        for case_id, earlier in found
    }
