"""What the worker does for cases."""

import uuid

import sqlalchemy as sa

from server.audit.services import record
from server.cases import services
from server.cases.models import CaseEvent
from server.cases.rules import Step
from server.core.db import Facts
from server.core.errors import NotFound, Problem
from server.core.tasks import Work
from server.identity.models import Person
from server.identity.rules import SYSTEM, Actor
from server.identity.services import actor_of
from server.intake.models import Report
from server.intake.services import open_body
from server.triage.services import suggestion_of


def open_case(work: Work, payload: Facts) -> None:
    """A report was registered: it gets its case."""
    report = work.session.get_one(Report, uuid.UUID(payload["report_id"]))
    services.open_case(work.session, work.clock, work.parts, report)


def join_reports(work: Work, payload: Facts) -> None:
    """Triage is certain that two reports are one matter: their cases become one, unless a person said otherwise."""
    report_id, other_id = uuid.UUID(payload["report_id"]), uuid.UUID(payload["other_id"])
    found = suggestion_of(work.session, report_id, other_id)
    if found is not None and found.outcome == "automatic" and found.judged != "different":
        services.join_by_system(work.session, work.clock, report_id, other_id, found.reasons)


def apply_step(work: Work, payload: Facts) -> None:
    """A step arrived from a phone: take it, or keep it as late when it is not allowed. Twice is once."""
    submission_id = uuid.UUID(payload["submission_id"])
    known = sa.select(CaseEvent.id).where(CaseEvent.submission_id == submission_id)
    if work.session.scalar(known) is not None:
        return
    opened = open_body(work.session, work.parts, submission_id)
    sender_id = opened.submission.sender_id
    actor = _sender(work, sender_id)
    fields = opened.body.get("fields")
    given: Facts = fields if isinstance(fields, dict) else {}
    try:
        case_id, step = uuid.UUID(str(opened.body.get("case_id"))), Step(str(opened.body.get("step")))
    except ValueError:
        record(work.session, work.clock, actor, "case.step_unreadable", "submission", submission_id)
        return
    try:
        services.take_step(work.session, work.clock, actor, case_id, step, given, None, submission_id)
    except Problem as problem:
        # Every check is made before the first write, so nothing has to be undone here.
        try:
            services.keep_late_step(
                work.session, work.clock, actor, case_id, step, given, submission_id, problem.code
            )
        except NotFound:
            record(work.session, work.clock, actor, "case.step_without_case", "submission", submission_id)


def tell_medium(work: Work, payload: Facts) -> None:
    """A medium became ready: the phones that follow its case see it."""
    services.tell_medium(work.session, uuid.UUID(payload["submission_id"]))


def _sender(work: Work, person_id: uuid.UUID | None) -> Actor:
    """The person as an actor; somebody who is no longer active keeps the name and has no right left."""
    if person_id is None:
        return SYSTEM
    actor = actor_of(work.session, person_id)
    if actor is None:
        person = work.session.get_one(Person, person_id)
        actor = Actor(person.id, person.name, ())
    return actor
