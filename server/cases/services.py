"""The closed loop at work: cases open, people take steps, units and reporters are told."""

import uuid
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.audit.services import record
from server.cases import giveaway, rules
from server.cases.clocks import extend_all, follow
from server.cases.models import Case, CaseEvent, CaseReport
from server.cases.rules import CaseFacts, Side, State, Step
from server.cases.schemas import CaseSheetSchema
from server.cases.sheet import case_sheet, reports_of
from server.cases.telling import area_path, end_ways, tell_people, tell_reporters
from server.core.calendar import day_of
from server.core.clock import Clock
from server.core.db import Facts
from server.core.errors import Conflict, Forbidden, Invalid, NotFound, PreconditionFailed
from server.core.parts import Parts
from server.enterprises.models import Enterprise
from server.identity.models import Area, Person, RoleGrant, Unit
from server.identity.rules import SYSTEM, Actor, Role
from server.intake.models import Report
from server.intake.rules import printable
from server.intake.services import additions_of, next_number, number_like, report_with
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
    case = _new_case(session, next_number(session, clock, parts, "case"), report)
    session.add(CaseReport(case_id=case.id, report_id=report.id, joined_at=clock.now()))
    _begin(session, clock, SYSTEM, case, {"report": report.number})
    if report.fixed_on_spot and report.reporter_id is not None:
        person = session.get_one(Person, report.reporter_id)
        _move(session, clock, Actor(person.id, person.name, ()), case, Step.FIX_ON_SPOT, {})
    return case


def _new_case(session: Session, number: str, report: Report) -> Case:
    case = Case(
        number=number,
        state=State.REGISTERED,
        version=1,
        kind=report.kind,
        area_id=report.area_id,
        enterprise_id=report.enterprise_id,
        first_received_at=report.received_at,
        sides=[],
        took={},
    )
    session.add(case)
    session.flush()
    return case


def _begin(session: Session, clock: Clock, actor: Actor, case: Case, fields: Facts) -> None:
    """The first line of the history, and the first clock."""
    session.flush()
    _write_event(session, clock, actor, case, Step.REGISTER, fields, None, State.REGISTERED)
    follow(session, clock, case, facts_of(session, case), rules.BY_STEP[Step.REGISTER], fields)
    tell_people(session, clock, case, rules.BY_STEP[Step.REGISTER].notify, "step", step=Step.REGISTER)


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
    if seen_version not in (None, case.version) and not rules.BY_STEP[step].appends:
        raise PreconditionFailed(
            "case.changed",
            "Somebody else changed the case first. Look at it again; nothing that you typed is lost.",
            current={"version": case.version, "state": case.state},
        )
    values = _checked(session, clock, actor, case, facts, step, fields)
    _move(session, clock, actor, case, step, values, submission_id)
    return case


def reporter_step(
    session: Session, clock: Clock, case_id: uuid.UUID, step: Step, report: Report, fields: Mapping[str, Any]
) -> Case:
    """A step that the reporter takes by the receipt code (rules.THE_REPORTERS); an objection once per report.

    Raises Conflict in a state that does not allow it or for a second objection, Invalid with a sentence per field.
    """
    if step not in rules.THE_REPORTERS:
        raise Forbidden("case.step_not_yours", "This step is for somebody else to take.")
    case = lock_case(session, case_id)
    values = _checked(session, clock, rules.REPORTER, case, facts_of(session, case), step, fields)
    before = sa.select(CaseEvent.id).where(
        CaseEvent.case_id == case.id,
        CaseEvent.step == step,
        CaseEvent.fields["report"].astext == report.number,
    )
    if session.scalar(before.limit(1)) is not None:
        raise Conflict("case.said_before", "You have said this before; it is being looked into.")
    _move(session, clock, rules.REPORTER, case, step, values | {"report": report.number})
    return case


def _checked(
    session: Session,
    clock: Clock,
    actor: Actor,
    case: Case,
    facts: CaseFacts,
    step: Step,
    fields: Mapping[str, Any],
) -> Facts:
    """The fields as they are kept. Raises Conflict when the step is not possible now, Invalid for the fields."""
    if not rules.possible(facts, rules.BY_STEP[step]):
        raise Conflict("case.step_not_allowed", "The case is in a state that does not allow this step.")
    checked = rules.check(step, fields, day_of(clock.now()))
    errors = checked.errors or _unknown(session, actor, case, checked.values)
    if errors:
        raise Invalid("case.fields", "Some fields are missing or wrong; see `fields`.", fields=errors)
    return checked.values


def join_by_system(
    session: Session, clock: Clock, report_id: uuid.UUID, other_id: uuid.UUID, reasons: list[Facts]
) -> None:
    """Merge a report's case into that of an earlier report of the same matter, where the table allows it.

    A case on which somebody is already at work stays where it is: the desk sees the suggestion and decides.
    """
    case, into = case_of(session, report_id), case_of(session, other_id)
    if case is None or into is None or case.id == into.id:
        return
    case = lock_case(session, case.id, into.id)
    into = session.get_one(Case, into.id)
    if State(case.state) is State.REGISTERED and State(into.state) not in rules.NO_MERGE_INTO:
        _move(session, clock, SYSTEM, case, Step.MERGE, {"into": str(into.id), "reasons": reasons})


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
    """The case, locked until the commit, in an order that cannot dead-lock: with the other one of a merge, the case
    that it was merged into and those that were merged into it.
    """
    ids = {case_id}
    with suppress(ValueError):  # no merge, or a fault that the check of the fields will name
        ids.add(uuid.UUID(str(other_id)))
    parent = sa.select(Case.merged_into_id).where(Case.id == case_id).scalar_subquery()
    family = sa.or_(Case.id.in_(ids), Case.id == parent, Case.merged_into_id == case_id)
    statement = sa.select(Case).where(family).order_by(Case.id).with_for_update()
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
        frozenset(Side(side) for side in case.sides),
        {Step(step): uuid.UUID(person) if person else None for step, person in case.took.items()},
        frozenset(reporter for reporter in reporters if reporter),
    )


def case_of(session: Session, report_id: uuid.UUID) -> Case | None:
    """The case that answers a report now; None until one is opened."""
    return session.scalar(
        sa.select(Case)
        .join(CaseReport, CaseReport.case_id == Case.id)
        .where(CaseReport.report_id == report_id, CaseReport.left_at.is_(None), CaseReport.part.is_(False))
    )


def note_satisfaction(session: Session, clock: Clock, case_id: uuid.UUID, unsatisfied: bool) -> None:
    """Raise or lower the flag that a reporter is not content with the answer.

    Somebody else than those who handled it hears of it: of the desk, or where nobody is left there a leader.
    """
    case = lock_case(session, case_id)
    if case.unsatisfied == unsatisfied:
        return
    case.unsatisfied = unsatisfied
    case.version += 1
    session.flush()
    if unsatisfied:
        facts = facts_of(session, case)
        handled = [facts.took.get(step) for step in rules.HANDLED]
        for role in (Role.DESK, Role.LEADER):
            if tell_people(session, clock, case, [role], "unsatisfied", besides=handled):
                break


def tell_more(session: Session, clock: Clock, report_id: uuid.UUID, with_media: bool) -> None:
    """A reporter wrote or sent more: the desk hears of it, and the unit that has the case where it will see pictures.

    Nobody hears it twice before having looked, and no notice says which reporter.
    """
    case = case_of(session, report_id)
    if case is None:
        return
    unit_sees = with_media and case.unit_id is not None and State(case.state) in rules.WITH_THE_UNIT
    roles = [Role.DESK, Role.HANDLER] if unit_sees else [Role.DESK]
    tell_people(session, clock, case, roles, "more", once=True)


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
    if state in rules.WITH_THE_UNIT - rules.CLOSED and case.unit_id is not None:
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
    row, now = rules.BY_STEP[step], rules.after(before, actor, step, values)
    told = values | _given_away(session, case, step, values)
    if step in (Step.ACCEPT, Step.TRANSFER_AT_ONCE):
        unit_id = uuid.UUID(str(values["unit_id"]))
        told["routed_by"] = routing.rule_for(session, _report_ids(session, case), unit_id)
    event = _write_event(session, clock, actor, case, step, told, before.state, now.state, submission_id)
    case.state, case.unit_id, case.sides = now.state, now.unit_id, sorted(now.open)
    case.took = {taken: person and str(person) for taken, person in now.took.items()}
    if not row.appends:
        case.version += 1
    _apply(session, clock, actor, case, before, step, values, event)
    _close_or_open(session, clock, case)
    follow(session, clock, case, now, row, values)
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
    tell_people(
        session,
        clock,
        case,
        row.notify,
        "step",
        besides=[actor.person_id],
        unit_id=before.unit_id,  # who has just lost it is told too
        step=step,
    )
    if row.told is not None:
        tell_reporters(session, clock, case)
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
        for part in given_away(session, case, str(values.get(name, "")), step not in rules.BEGINS)
    }
    return {"gives_away": sorted(hints)} if hints else {}


def _apply(
    session: Session,
    clock: Clock,
    actor: Actor,
    case: Case,
    before: CaseFacts,
    step: Step,
    values: Facts,
    event: CaseEvent,
) -> None:
    """What a step leaves on the case besides its state."""
    match step:
        case Step.ACCEPT | Step.TRANSFER_AT_ONCE:
            case.sector_no, case.risk = values["sector_no"], values["risk"]
            case.title, case.matter = values["title"], values["matter"]
            case.urgent = step is Step.TRANSFER_AT_ONCE
            case.accepted_at = case.accepted_at or clock.now()
            routing.decide(session, clock, _report_ids(session, case), uuid.UUID(str(values["unit_id"])))
            confirm_sector(session, clock, _report_ids(session, case), case.sector_no)
        case Step.RETURN if before.unit_id is not None:
            routing.record_return(
                session, clock, _report_ids(session, case), before.unit_id, values["reason"]
            )
        case Step.MERGE:
            into = session.get_one(Case, uuid.UUID(values["into"]))
            event.fields = event.fields | _merge(session, clock, actor, case, into, event.at)
        case Step.UNMERGE | Step.REOPEN if case.merged_into_id is not None:
            _unmerge(session, clock, actor, case)
        case Step.ARCHIVE | Step.CLOSE_WITH_PARENT:
            of_this = sa.select(Case).where(Case.merged_into_id == case.id, Case.state == State.MERGED)
            for child in session.scalars(of_this):
                _move(session, clock, SYSTEM, child, Step.CLOSE_WITH_PARENT, {})
        case Step.SPLIT:
            event.fields = event.fields | _split(session, clock, actor, case, values)
        case Step.VERIFY | Step.VERIFY_BY_COUNTY:
            case.finding = values["finding"]
        case Step.ISSUE_LETTER:
            event.fields = event.fields | {"number": number_like(session, clock, case.number, "letter")}
        case Step.GRANT_EXTENSION:
            extend_all(session, clock, actor, case, rules.BY_STEP[step].extends, _asked_days(session, case))
        case Step.REPLY:
            case.reply, case.replied_at, case.reward = values["text"], clock.now(), values["reward"]
        case Step.UPHOLD:
            case.reply, case.replied_at = values["text"], clock.now()
    if step in (Step.OVERTURN, Step.REOPEN):
        case.finding = case.reward = None


def _asked_days(session: Session, case: Case) -> int:
    """By how much the last extension was asked for."""
    asked = sa.select(CaseEvent.fields["days"].astext).where(
        CaseEvent.case_id == case.id, CaseEvent.step == Step.ASK_EXTENSION, CaseEvent.late.is_(False)
    )
    return int(session.scalars(asked.order_by(CaseEvent.at.desc(), CaseEvent.id.desc()).limit(1)).one())


def _close_or_open(session: Session, clock: Clock, case: Case) -> None:
    """Say on the case, and to the search for duplicates, since when it is closed, or that it is open again."""
    closed = State(case.state) in rules.CLOSED
    if closed != (case.closed_at is not None):
        case.closed_at = clock.now() if closed else None
        end_ways(session, clock, case, closed)
        mark_closed(session, _report_ids(session, case), case.closed_at)


def _report_ids(session: Session, case: Case) -> list[uuid.UUID]:
    return [report.id for report in reports_of(session, case.id)]


def _memberships(session: Session, case: Case) -> list[CaseReport]:
    """The reports that are in the case now, as its rows say it."""
    now = sa.select(CaseReport).where(CaseReport.case_id == case.id, CaseReport.left_at.is_(None))
    return list(session.scalars(now))


def _merge(session: Session, clock: Clock, actor: Actor, case: Case, into: Case, now: datetime) -> Facts:
    """Move the reports to the other case. The rows of both stay, so that it can be undone; says what was moved."""
    moving = _memberships(session, case)
    there = {row.report_id: row for row in _memberships(session, into)}
    for row in moving:
        row.left_at = now
    session.flush()  # one case at a time answers a report
    for row in moving:
        known = there.get(row.report_id)
        if known is None:
            session.add(CaseReport(case_id=into.id, report_id=row.report_id, joined_at=now, part=row.part))
        else:
            known.part = known.part and row.part
    mark_closed(session, [row.report_id for row in moving], into.closed_at)
    case.merged_into_id = into.id
    into.first_received_at = min(into.first_received_at, case.first_received_at)
    _changed_with(session, clock, actor, into, Step.MERGE, case, "case.take_in")
    return {
        "reports": [str(row.report_id) for row in moving if not row.part],
        "parts": [str(row.report_id) for row in moving if row.part],
    }


def _unmerge(session: Session, clock: Clock, actor: Actor, case: Case) -> None:
    """Bring back the reports that the merge took away, from wherever they are now."""
    now = clock.now()
    merged = session.scalars(
        sa.select(CaseEvent)
        .where(CaseEvent.case_id == case.id, CaseEvent.step == Step.MERGE, CaseEvent.to_state == State.MERGED)
        .order_by(CaseEvent.at.desc(), CaseEvent.id.desc())
        .limit(1)
    ).one()
    case.merged_into_id = None
    others: dict[uuid.UUID, Case] = {}
    for report_id in map(uuid.UUID, merged.fields["reports"]):
        row = session.scalars(
            sa.select(CaseReport).where(
                CaseReport.report_id == report_id, CaseReport.left_at.is_(None), CaseReport.part.is_(False)
            )
        ).one()
        row.left_at = now
        others[row.case_id] = session.get_one(Case, row.case_id)
        session.flush()  # one case at a time answers a report
        session.add(CaseReport(case_id=case.id, report_id=report_id, joined_at=now))
    for report_id in map(uuid.UUID, merged.fields["parts"]):
        moved = sa.update(CaseReport).where(
            CaseReport.report_id == report_id, CaseReport.joined_at == merged.at, CaseReport.left_at.is_(None)
        )
        session.execute(moved.values(left_at=now))
        session.add(CaseReport(case_id=case.id, report_id=report_id, joined_at=now, part=True))
    session.flush()
    mark_closed(session, _report_ids(session, case), None)
    for other in others.values():
        _changed_with(session, clock, actor, other, Step.UNMERGE, case, "case.give_back")


def _changed_with(
    session: Session, clock: Clock, actor: Actor, case: Case, step: Step, other: Case, action: str
) -> None:
    """The other side of a merge or its undoing: history, version, audit and phones of the case that stays."""
    session.flush()
    case.first_received_at = min(
        (report.received_at for report in reports_of(session, case.id)), default=case.first_received_at
    )
    case.version += 1
    state = State(case.state)
    _write_event(session, clock, actor, case, step, {"from": other.number}, state, state)
    record(session, clock, actor, action, "case", case.id, case=other.number, version=case.version)
    session.flush()
    _tell_phones(session, case, followers(session, case))


def _split(session: Session, clock: Clock, actor: Actor, case: Case, values: Facts) -> Facts:
    """A case of its own for a report of this case, or for the other matter of a report that stays here too."""
    now = clock.now()
    report = session.get_one(Report, uuid.UUID(values["report"]))
    row = next(row for row in _memberships(session, case) if row.report_id == report.id)
    part = row.part
    if values["stays"]:
        part = True
    else:
        row.left_at = now
    new = _new_case(session, number_like(session, clock, case.number, "case"), report)
    session.add(CaseReport(case_id=new.id, report_id=report.id, joined_at=now, part=part))
    case.first_received_at = min(one.received_at for one in reports_of(session, case.id))
    _begin(session, clock, actor, new, {"report": report.number, "from": case.number})
    return {"report": report.number, "to": new.number}


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
    if "report" in values:
        rows = {str(row.report_id): row for row in _memberships(session, case)}
        if values["report"] not in rows:
            errors["report"] = NOT_IN_LIST
        elif len(rows) == 1 and not values["stays"]:
            errors["stays"] = "The last report cannot leave its case; let it stay here too."
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
    now, facts = followers(session, case), facts_of(session, case)
    for stream in before.keys() - now.keys():
        changes.withdraw(session, stream, TOPIC, str(case.id))
    for stream, role in now.items():
        sheet = case_sheet(session, case, facts, rules.steps_of(facts, role))
        changes.publish(session, stream, TOPIC, str(case.id), CaseSheetSchema().dump(sheet))
