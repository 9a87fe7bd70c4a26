"""The closed loop at work: cases open, people take steps, units and reporters are told."""

import uuid
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.audit.services import record
from server.cases import giveaway, rules
from server.cases.clocks import follow
from server.cases.models import Case, CaseEvent, CaseReport
from server.cases.rules import CaseFacts, State, Step
from server.cases.schemas import CaseSheetSchema
from server.cases.sheet import case_sheet, reports_of
from server.cases.telling import area_path
from server.core.clock import Clock
from server.core.db import Facts
from server.core.errors import Conflict, Forbidden, Invalid, NotFound, PreconditionFailed
from server.core.parts import Parts
from server.enterprises.models import Enterprise
from server.identity.models import Area, Person, RoleGrant, Unit
from server.identity.rules import SYSTEM, Actor, Role
from server.intake.models import Report
from server.intake.rules import printable
from server.intake.services import additions_of, next_number, report_with
from server.routing import services as routing
from server.triage.models import Sector
from server.triage.sectors import confirm_sector
from server.triage.services import mark_closed
from sync import changes

TOPIC = "case"
NOT_IN_LIST = "Please choose one from the list."


def open_case(session: Session, clock: Clock, parts: Parts, report: Report) -> Case:
    """The case of a report, opened when it has none yet; a hazard fixed on the spot is archived at once."""
    known = case_of(session, report.id)
    if known is not None:
        return known
    now = clock.now()
    case = Case(
        number=next_number(session, clock, parts, "case"),
        state=State.REGISTERED,
        version=1,
        kind=report.kind,
        area_id=report.area_id,
        enterprise_id=report.enterprise_id,
        first_received_at=report.received_at,
    )
    session.add(case)
    session.flush()
    session.add(CaseReport(case_id=case.id, report_id=report.id, joined_at=now))
    session.flush()
    _write_event(
        session, clock, SYSTEM, case, Step.REGISTER, {"report": report.number}, None, State.REGISTERED
    )
    follow(session, clock, case, rules.BY_STEP[Step.REGISTER])
    if report.fixed_on_spot and report.reporter_id is not None:
        person = session.get_one(Person, report.reporter_id)
        _move(session, clock, Actor(person.id, person.name, ()), case, Step.FIX_ON_SPOT, {})
    return case


def take_step(
    session: Session,
    clock: Clock,
    actor: Actor,
    case_id: uuid.UUID,
    step: Step,
    fields: Mapping[str, Any],
    seen_version: int | None,
    submission_id: uuid.UUID | None = None,
) -> Case:
    """Move a case by one step of the table.

    Raises NotFound for whoever does not see the case, Forbidden without the right, PreconditionFailed when
    another version was seen (None: not asked, for steps that were queued on a phone), Conflict in a state
    that does not allow it, Invalid with a sentence per field.
    """
    case = lock_case(session, case_id, fields.get("into") if step is Step.MERGE else None)
    facts = facts_of(session, case)
    if rules.sight(facts, actor) is None:
        raise NotFound()
    if not rules.has_right(facts, actor, step):
        raise Forbidden("case.step_not_yours", "This step is for somebody else to take.")
    if seen_version is not None and seen_version != case.version:
        raise PreconditionFailed(
            "case.changed",
            "Somebody else changed the case first. Look at it again; nothing that you typed is lost.",
            current={"version": case.version, "state": case.state},
        )
    if facts.state not in rules.BY_STEP[step].sources:
        raise Conflict("case.step_not_allowed", "The case is in a state that does not allow this step.")
    checked = rules.check(step, fields)
    errors = checked.errors or _unknown(session, actor, case, checked.values)
    if errors:
        raise Invalid("case.fields", "Some fields are missing or wrong; see `fields`.", fields=errors)
    _move(session, clock, actor, case, step, checked.values, submission_id)
    return case


def keep_late_step(
    session: Session,
    clock: Clock,
    actor: Actor,
    case_id: uuid.UUID,
    step: Step,
    fields: Facts,
    submission_id: uuid.UUID,
    why: str,
) -> None:
    """Keep a step that was queued on a phone and is no longer allowed: in the history, without effect."""
    case = lock_case(session, case_id)
    state = State(case.state)
    event = _write_event(session, clock, actor, case, step, storable(fields), state, state, submission_id)
    event.late = True
    record(session, clock, actor, "case.step_late", "case", case.id, step=step, why=why)
    session.flush()
    _tell_phones(session, case, followers(session, case))


def lock_case(session: Session, case_id: uuid.UUID, other_id: Any = None) -> Case:
    """The case, locked until the commit; with the other one of a merge, in an order that cannot dead-lock."""
    ids = {case_id}
    with suppress(ValueError):  # no merge, or a fault that the check of the fields will name
        ids.add(uuid.UUID(str(other_id)))
    statement = sa.select(Case).where(Case.id.in_(ids)).order_by(Case.id).with_for_update()
    fresh = statement.execution_options(populate_existing=True)
    found = {case.id: case for case in session.scalars(fresh)}
    if case_id not in found:
        raise NotFound()
    return found[case_id]


def facts_of(session: Session, case: Case) -> CaseFacts:
    """What the rules need to know of the case."""
    reporters = session.scalars(
        sa.select(Report.reporter_id)
        .join(CaseReport, CaseReport.report_id == Report.id)
        .where(CaseReport.case_id == case.id, CaseReport.left_at.is_(None), Report.reporter_id.is_not(None))
    )
    return CaseFacts(
        State(case.state),
        area_path(session, case),
        case.unit_id,
        case.rectified_by_id,
        frozenset(reporter for reporter in reporters if reporter),
    )


def case_of(session: Session, report_id: uuid.UUID) -> Case | None:
    """The case that a report is in now; None until one is opened."""
    return session.scalar(
        sa.select(Case)
        .join(CaseReport, CaseReport.case_id == Case.id)
        .where(CaseReport.report_id == report_id, CaseReport.left_at.is_(None))
    )


def note_satisfaction(session: Session, case_id: uuid.UUID, unsatisfied: bool) -> None:
    """Raise or lower the flag that a reporter is not content with the answer; nothing else changes."""
    case = lock_case(session, case_id)
    if case.unsatisfied != unsatisfied:
        case.unsatisfied = unsatisfied
        case.version += 1
        session.flush()


def tell_medium(session: Session, submission_id: uuid.UUID) -> None:
    """A photo of a report or of a step has become ready: let the phones that follow its case know."""
    case_ids = sa.union(
        sa.select(CaseReport.case_id)
        .join(Report, Report.id == CaseReport.report_id)
        .where(Report.id.in_(report_with(submission_id)), CaseReport.left_at.is_(None)),
        sa.select(CaseEvent.case_id).where(CaseEvent.submission_id == submission_id),
    )
    for case in session.scalars(sa.select(Case).where(Case.id.in_(case_ids.scalar_subquery()))):
        _tell_phones(session, case, followers(session, case))


def followers(session: Session, case: Case) -> dict[str, Role]:
    """The streams of phones that carry the case now, and the role they are followed in."""
    state = State(case.state)
    streams: dict[str, Role] = {}
    if state in rules.WITH_THE_UNIT - rules.FINAL and case.unit_id is not None:
        streams[f"unit:{case.unit_id}"] = Role.HANDLER
    if state is State.TO_RECHECK:
        path = facts_of(session, case).area_path or ""
        inspectors = sa.select(RoleGrant.person_id).outerjoin(Area, Area.id == RoleGrant.area_id)
        covering = inspectors.where(
            RoleGrant.role == Role.INSPECTOR,
            sa.or_(RoleGrant.unit_id.is_(None), RoleGrant.unit_id == case.unit_id),
            sa.or_(Area.path.is_(None), sa.func.starts_with(path + "/", Area.path + "/")),
        )
        streams |= {f"person:{person}": Role.INSPECTOR for person in session.scalars(covering)}
    return streams


def storable(value: Any) -> Any:
    """A JSON value without the characters that PostgreSQL cannot hold."""
    match value:
        case str():
            return printable(value)
        case dict():
            return {printable(name): storable(inner) for name, inner in value.items()}
        case list():
            return [storable(inner) for inner in value]
    return value


def _move(
    session: Session,
    clock: Clock,
    actor: Actor,
    case: Case,
    step: Step,
    values: Facts,
    submission_id: uuid.UUID | None = None,
) -> None:
    """Take the step: history, clocks, version, audit and phones, all in this transaction."""
    streams = followers(session, case)
    before = facts_of(session, case)
    now_facts = rules.after(before, actor, step, values)
    told = values | _given_away(session, case, step, values)
    _write_event(session, clock, actor, case, step, told, before.state, now_facts.state, submission_id)
    _apply(session, clock, actor, case, step, values)
    case.state, case.unit_id, case.rectified_by_id = (
        now_facts.state,
        now_facts.unit_id,
        now_facts.rectified_by,
    )
    case.version += 1
    if now_facts.state in rules.FINAL:
        case.closed_at = clock.now()
        mark_closed(session, _report_ids(session, case), case.closed_at)
    follow(session, clock, case, rules.BY_STEP[step])
    record(
        session,
        clock,
        actor,
        f"case.{step}",
        "case",
        case.id,
        version=case.version,
        from_state=before.state,
        to_state=case.state,
    )
    session.flush()
    _tell_phones(session, case, streams)


def given_away(session: Session, case: Case, text: str, for_unit: bool) -> list[giveaway.Part]:
    """The parts of a text that may give a reporter of this case away.

    `for_unit`: what the sheet says of the matter is known to the reader and no quotation.
    """
    reports = reports_of(session, case.id)
    enterprise = case.enterprise_id and session.get(Enterprise, case.enterprise_id)
    known = [enterprise.name if enterprise else "", *((case.title, case.matter) if for_unit else ())]
    added = additions_of(session, [report.id for report in reports])
    own = [words for report in reports for words in (report.text, report.place_words)]
    own += [addition.text for rows in added.values() for addition in rows]
    return giveaway.parts(text, own, known)


def _given_away(session: Session, case: Case, step: Step, values: Facts) -> Facts:
    """What the writer was warned of, kept in the history with the step that was taken all the same."""
    hints = {
        part.hint
        for name in giveaway.WATCHED.get(step, ())
        for part in given_away(session, case, str(values.get(name, "")), step is not Step.ACCEPT)
    }
    return {"gives_away": sorted(hints)} if hints else {}


def _apply(session: Session, clock: Clock, actor: Actor, case: Case, step: Step, values: Facts) -> None:
    """What a step leaves on the case besides its state."""
    match step:
        case Step.ACCEPT:
            case.sector_no, case.risk = values["sector_no"], values["risk"]
            case.title, case.matter = values["title"], values["matter"]
            case.urgent = values.get("urgency") == rules.Urgency.IMMEDIATE
            case.accepted_at = case.accepted_at or clock.now()
            routing.decide(session, clock, _report_ids(session, case), uuid.UUID(str(values["unit_id"])))
            confirm_sector(session, clock, _report_ids(session, case), case.sector_no)
        case Step.RETURN if case.unit_id is not None:
            routing.record_return(session, clock, _report_ids(session, case), case.unit_id, values["reason"])
        case Step.MERGE:
            _merge(session, clock, actor, case, session.get_one(Case, uuid.UUID(values["into"])))
        case Step.VERIFY:
            case.finding = values["finding"]
        case Step.REPLY:
            case.reply, case.replied_at = values["text"], clock.now()


def _report_ids(session: Session, case: Case) -> list[uuid.UUID]:
    return [report.id for report in reports_of(session, case.id)]


def _merge(session: Session, clock: Clock, actor: Actor, case: Case, into: Case) -> None:
    """Move the reports to the other case. The rows of both stay, so that it can be undone."""
    now = clock.now()
    moving = session.scalars(
        sa.select(CaseReport).where(CaseReport.case_id == case.id, CaseReport.left_at.is_(None))
    ).all()
    for row in moving:
        row.left_at = now
    session.flush()  # a report is in one case at a time
    session.add_all(CaseReport(case_id=into.id, report_id=row.report_id, joined_at=now) for row in moving)
    mark_closed(session, [row.report_id for row in moving], into.closed_at)
    case.merged_into_id = into.id
    into.first_received_at = min(into.first_received_at, case.first_received_at)
    into.version += 1
    state = State(into.state)
    _write_event(session, clock, actor, into, Step.MERGE, {"from": case.number}, state, state)
    record(session, clock, actor, "case.take_in", "case", into.id, case=case.number, version=into.version)
    session.flush()
    _tell_phones(session, into, followers(session, into))


def _unknown(session: Session, actor: Actor, case: Case, values: Facts) -> dict[str, str]:
    """The fields that name a unit, sector or case that is not there to be chosen."""
    errors = {}
    if "unit_id" in values and session.get(Unit, uuid.UUID(values["unit_id"])) is None:
        errors["unit_id"] = NOT_IN_LIST
    if "sector_no" in values and session.get(Sector, values["sector_no"]) is None:
        errors["sector_no"] = NOT_IN_LIST
    if "into" in values:
        into = session.get(Case, uuid.UUID(values["into"]))
        if into is None or rules.sight(facts_of(session, into), actor) is not rules.Sight.FULL:
            errors["into"] = NOT_IN_LIST
        elif into is case:
            errors["into"] = "A case cannot be merged into itself."
        elif State(into.state) in rules.NO_MERGE_INTO:
            errors["into"] = (
                "That case was merged, refused or redirected; choose one that leads to an answer."
            )
    return errors


def _write_event(
    session: Session,
    clock: Clock,
    actor: Actor,
    case: Case,
    step: Step,
    fields: Facts,
    from_state: State | None,
    to_state: State,
    submission_id: uuid.UUID | None = None,
) -> CaseEvent:
    event = CaseEvent(
        case_id=case.id,
        at=clock.now(),
        actor_id=actor.person_id,
        actor_name=actor.name,
        step=step,
        from_state=from_state,
        to_state=to_state,
        fields=fields,
        submission_id=submission_id,
        late=False,
    )
    session.add(event)
    return event


def _tell_phones(session: Session, case: Case, before: Mapping[str, Role]) -> None:
    """Publish the sheet to all who follow the case now, and take it back from those who no longer do."""
    now = followers(session, case)
    for stream in before.keys() - now.keys():
        changes.withdraw(session, stream, TOPIC, str(case.id))
    for stream, role in now.items():
        sheet = case_sheet(session, case, rules.steps_of(State(case.state), role))
        changes.publish(session, stream, TOPIC, str(case.id), CaseSheetSchema().dump(sheet))
