"""Rows of a list of cases: what a decision needs at a glance."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from server.cases.models import Case, CaseReport
from server.cases.rules import State
from server.core.db import Facts
from server.feedback.models import Message
from server.intake.models import Medium, Report
from server.reports.models import DeskRow

FIRST_WORDS = 120


def case_rows(
    session: Session, found: Sequence[tuple[Case, str | None, str | None, str | None]]
) -> list[Facts]:
    """Rows (CaseRowSchema) of cases with the names of their area, enterprise and unit."""
    ids = [case.id for case, *_ in found]
    # Columns alone: as whole objects these hundreds of rows would cost more than all the rest.
    reports: dict[uuid.UUID, list[Any]] = defaultdict(list)
    current = (
        sa.select(
            CaseReport.case_id,
            Report.id,
            Report.submission_id,
            Report.text,
            Report.enterprise_words,
            Report.flags,
        )
        .join(Report, Report.id == CaseReport.report_id)
        .where(CaseReport.case_id.in_(ids), CaseReport.left_at.is_(None))
        .order_by(Report.seq)
    )
    for report in session.execute(current):
        reports[report.case_id].append(report)
    submissions = [report.submission_id for rows in reports.values() for report in rows]
    media: dict[uuid.UUID, list[Any]] = defaultdict(list)
    seen = sa.case((Medium.state == "ready", Medium.thumb_key)).is_not(None)
    for medium in session.execute(
        sa.select(Medium.submission_id, Medium.id, seen.label("seen"))
        .where(Medium.submission_id.in_(submissions))
        .order_by(Medium.position)
    ):
        media[medium.submission_id].append(medium)
    suspected: dict[uuid.UUID, int] = dict(
        session.execute(sa.select(DeskRow.case_id, DeskRow.suspected).where(DeskRow.case_id.in_(ids))).all()
    )
    asked = _unanswered(session, [report.id for rows in reports.values() for report in rows])
    return [
        _row(case, names, reports[case.id], media, suspected.get(case.id, 0), asked) for case, *names in found
    ]


def _row(
    case: Case,
    names: Sequence[str | None],
    reports: Sequence[Any],
    media: dict[uuid.UUID, list[Any]],
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
        "matter": case.matter,
        "sector_no": case.sector_no,
        "kind": case.kind,
        "risk": case.risk,
        "area_name": area,
        "enterprise": enterprise or (first.enterprise_words if first else None) or None,
        "first_received_at": case.first_received_at,
        "due_at": case.due_at,
        "text": first.text[:FIRST_WORDS] if first else "",
        "thumb": next((medium.id for medium in pictures if medium.seen), None),
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
