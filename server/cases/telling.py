"""Who hears of a case: people of the office by their roles, reporters by the ways they chose."""

import uuid
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.cases.models import Case, CaseReport
from server.core.clock import Clock
from server.identity.models import Area
from server.identity.rules import Role
from server.identity.services import holders
from server.intake.models import Report
from server.notices import services as notices


def area_path(session: Session, case: Case) -> str | None:
    """Where the case is in the tree of areas; one without a place is the county's."""
    where = Area.id == case.area_id if case.area_id else Area.parent_id.is_(None)
    return session.scalar(sa.select(Area.path).where(where).limit(1))


def responsible(
    session: Session, case: Case, roles: Iterable[Role], unit_id: uuid.UUID | None = None
) -> set[uuid.UUID]:
    """The people who hold one of the roles for this case; `unit_id` where it lies with no unit now."""
    path, unit = area_path(session, case), case.unit_id or unit_id
    return {person for role in roles for person in holders(session, role, path, unit)}


def tell_people(
    session: Session,
    clock: Clock,
    case: Case,
    roles: Iterable[Role],
    code: str,
    besides: Iterable[uuid.UUID | None] = (),
    unit_id: uuid.UUID | None = None,
    once: bool = False,
    **params: Any,
) -> int:
    """A notice to all who hold one of the roles for this case, but not to `besides`; how many were told.

    `once`: nor to those who have not read the last such notice. It names the case by number and the desk's title, as
    the unit may read it: nothing of a reporter.
    """
    people = responsible(session, case, roles, unit_id).difference(besides)
    if once:
        people -= notices.unread_by(session, people, case.id, code)
    facts = {"number": case.number, "title": case.title, **params}
    return notices.notify(session, clock, people, code, facts, case.id)


def tell_reporters(session: Session, clock: Clock, case: Case) -> int:
    """Let every reporter of the case who wants to know learn that there is news to be read with the code."""
    return notices.tell_reporters(session, clock, _submissions(session, case))


def end_ways(session: Session, clock: Clock, case: Case, ended: bool) -> None:
    """The case is closed (or open again): what reporters left for notices goes, or stays."""
    notices.end_ways(session, clock, _submissions(session, case), ended)


def _submissions(session: Session, case: Case) -> list[uuid.UUID]:
    return list(
        session.scalars(
            sa.select(Report.submission_id)
            .join(CaseReport, CaseReport.report_id == Report.id)
            .where(CaseReport.case_id == case.id, CaseReport.left_at.is_(None))
            .order_by(Report.seq)
        )
    )
