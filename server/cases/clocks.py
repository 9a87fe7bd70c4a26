"""The clocks of cases at work: steps start, end, pause and resume them; the sweep warns and climbs."""

import uuid
from collections.abc import Iterable
from datetime import date, datetime

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from server.audit.services import record
from server.cases import clock_rules, rules
from server.cases.clock_rules import WARN, ClockRule, Matter, Scope, Stage
from server.cases.models import Case, CaseClock, CaseReport, ClockRuleRow, ClockStage
from server.cases.rules import CaseFacts, Days, State, Term, Transition
from server.cases.telling import area_path, tell_people
from server.core.calendar import UnknownYear, WorkingCalendar, day_of, end_of
from server.core.calendar_table import working_calendar
from server.core.clock import Clock
from server.core.db import Facts
from server.core.errors import Conflict, Invalid, NotFound
from server.identity.models import Area
from server.identity.rules import SYSTEM, Actor, Role
from server.intake.models import Report

log = structlog.get_logger()

SWEEP_BATCH = 200


# ---- what a step does to the clocks


def follow(
    session: Session, clock: Clock, case: Case, facts: CaseFacts, row: Transition, values: Facts
) -> None:
    """Let run what runs by the facts that a step has led to (rules.running), and nothing else.

    A term that runs is not started again: neither a return nor a second acceptance moves the clock of the whole.
    """
    now, running = clock.now(), _running(session, case.id)
    wanted, still = rules.running(facts), rules.paused(facts)
    for one in running:
        term = Term(one.name)
        if term not in wanted or term in row.renews:
            one.ended_at, one.next_at = now, None
        elif term in still and one.paused_at is None and _rule(one, case).pausable:
            one.paused_at = now
        elif term not in still and one.paused_at is not None:
            _resume(session, case, one, now)
    going_on = [one for one in running if one.ended_at is None]
    for term in sorted(wanted - {one.name for one in going_on}):
        named = row.until[0] if row.until and row.until[1] is term else None
        until = date.fromisoformat(values[named]) if named else None
        one = _start(session, clock, case, term, until, facts.area_path)
        if term in still and _rule(one, case).pausable:
            one.paused_at = now
        going_on.append(one)
    # Who is told next depends on where the case lies now.
    for one in going_on:
        _plan(session, clock, case, one)
    session.flush()


def extend_all(
    session: Session, clock: Clock, actor: Actor, case: Case, terms: Iterable[Term], amount: int
) -> None:
    """Extend the first of these terms, which must run, and those of the others that run and may be extended.

    Raises as `extend` does.
    """
    first, *others = terms
    extend(session, clock, actor, case, first, amount)
    for one in _running(session, case.id):
        term = Term(one.name)
        may = clock_rules.extension_fault(_rule(one, case), one.extended, amount) is None
        if term in others and may and one.due_at is not None:
            extend(session, clock, actor, case, term, amount)


def extend(session: Session, clock: Clock, actor: Actor, case: Case, term: Term, amount: int) -> datetime:
    """Extend a running term and return its new end; who may, the step's row says.

    Raises Conflict without such a clock, Invalid with the sentence for `amount`.
    """
    found = [one for one in _running(session, case.id) if one.name == term]
    if not found or found[0].due_at is None:
        raise Conflict("clock.not_running", "This term is not running.")
    one, rule = found[0], _rule(found[0], case)
    if fault := clock_rules.extension_fault(rule, one.extended, amount):
        raise Invalid("clock.extension", fault, fields={"days": fault})
    before = found[0].due_at
    one.due_at = clock_rules.extended(rule, before, amount, working_calendar(session))
    one.extended += 1
    if term is Term.HANDLE:
        case.due_at = one.due_at
    _plan(session, clock, case, one)
    record(
        session,
        clock,
        actor,
        "clock.extend",
        "case",
        case.id,
        term=term,
        before=before.isoformat(),
        after=one.due_at.isoformat(),
    )
    return one.due_at


def rebase(session: Session, clock: Clock, actor: Actor, case_id: uuid.UUID, term: Term) -> datetime | None:
    """Put a running term under the rule of today, counted from its own beginning: only because a person says so.

    Raises NotFound for whoever does not lead there, Conflict without such a clock, and for one that was
    extended, stands still, or whose day a person set.
    """
    case = session.get(Case, case_id, with_for_update=True)
    if case is None or not actor.may(Role.LEADER, area_path(session, case), case.unit_id):
        raise NotFound()
    found = [one for one in _running(session, case.id) if one.name == term]
    a_day_was_set = any(row.until and row.until[1] is term for row in rules.STEPS)
    if not found or found[0].extended or found[0].paused_at is not None or a_day_was_set:
        raise Conflict(
            "clock.not_rebased",
            "This term is not running, was extended, stands still, or a person set its day.",
        )
    one = found[0]
    rule = rule_for(session, clock, case, term, area_path(session, case))
    before, one.rule = one.due_at, rule.facts()
    _set_due(session, case, one, working_calendar(session))
    _plan(session, clock, case, one)
    ends = {"before": before, "after": one.due_at}
    told = {name: end.isoformat() if end else None for name, end in ends.items()}
    record(session, clock, actor, "clock.rebase", "case", case.id, term=term, **told)
    return one.due_at


def start_waiting(session: Session, clock: Clock) -> int:
    """Give the clocks that waited for a year of the calendar their end, from their true beginning; how many."""
    waiting = session.scalars(
        sa.select(CaseClock)
        .where(CaseClock.ended_at.is_(None), CaseClock.due_at.is_(None))
        .order_by(CaseClock.started_at)
        .with_for_update()
    ).all()
    calendar, started = working_calendar(session), 0
    for one in waiting:
        case = session.get_one(Case, one.case_id)
        _set_due(session, case, one, calendar)
        started += one.due_at is not None
        _plan(session, clock, case, one)
    session.flush()
    return started


def _start(
    session: Session, clock: Clock, case: Case, term: Term, until: date | None, path: str | None
) -> CaseClock:
    """`until`: the day that a plan, a letter or a listing sets; `path`: where the case is."""
    rule = rule_for(session, clock, case, term, path)
    one = CaseClock(case_id=case.id, name=term, started_at=clock.now(), rule=rule.facts(), extended=0)
    if until is not None:
        one.due_at = end_of(until)
    else:
        _set_due(session, case, one, working_calendar(session))
    session.add(one)
    if one.due_at is None:
        # Nobody is kept from acting because next year's holidays are not out yet; nor are they guessed.
        log.warning("case.clock_waits", case=case.number, term=term)
        record(session, clock, SYSTEM, "case.clock_waits", "case", case.id, term=term)
    return one


def _set_due(session: Session, case: Case, one: CaseClock, calendar: WorkingCalendar) -> None:
    """Its end by its rule; None where the calendar lacks the year."""
    rule, term = _rule(one, case), Term(one.name)
    try:
        if term is Term.HANDLE:
            one.due_at = clock_rules.handle_due(rule, one.started_at, _wanted(session, case), calendar)
            case.due_at = one.due_at
        else:
            one.due_at = clock_rules.due(rule, one.started_at, calendar)
    except UnknownYear:
        one.due_at = None


def _wanted(session: Session, case: Case) -> date | None:
    """The earliest day that an inspector set for a hazard in the case."""
    return session.scalar(
        sa.select(sa.func.min(Report.due_on))
        .join(CaseReport, CaseReport.report_id == Report.id)
        .where(CaseReport.case_id == case.id, CaseReport.left_at.is_(None))
    )


def _resume(session: Session, case: Case, one: CaseClock, now: datetime) -> None:
    if one.due_at is not None and one.paused_at is not None:
        rule = _rule(one, case)
        try:
            calendar = working_calendar(session)
            one.due_at = clock_rules.resumed(rule, one.due_at, one.paused_at, now, calendar)
            if Term(one.name) is Term.HANDLE:
                case.due_at = one.due_at
        except UnknownYear:
            log.warning("case.clock_resumed_without_year", clock=str(one.id))
    one.paused_at = None


def _running(session: Session, case_id: uuid.UUID) -> list[CaseClock]:
    statement = sa.select(CaseClock).where(CaseClock.case_id == case_id, CaseClock.ended_at.is_(None))
    return list(session.scalars(statement.order_by(CaseClock.id).with_for_update()))


# ---- which rule


def rule_for(session: Session, clock: Clock, case: Case, term: Term, path: str | None) -> ClockRule:
    """The rule for a clock of this term that starts now; `path`: where the case is in the tree of areas."""
    rows = session.execute(
        sa.select(ClockRuleRow, Area.path)
        .outerjoin(Area, Area.id == ClockRuleRow.area_id)
        .where(ClockRuleRow.term == term)
    ).all()
    known = [(scope_of(row, path), rule_of(row)) for row, path in rows]
    return clock_rules.choose(known, term, _matter(session, case, path), day_of(clock.now()))


def _rule(one: CaseClock, case: Case) -> ClockRule:
    """The rule that a clock runs by; the default for one that is older than the keeping of rules."""
    return ClockRule.of(one.rule) if one.rule else clock_rules.default_rule(Term(one.name), case.urgent)


def scope_of(row: ClockRuleRow, path: str | None) -> Scope:
    """For what a row holds; `path` is that of its area."""
    return Scope(
        Term(row.term),
        row.valid_from,
        row.valid_to,
        path,
        row.kind,
        row.sector_no,
        row.hazard_type,
        row.urgent,
    )


def rule_of(row: ClockRuleRow) -> ClockRule:
    """What a row says."""
    return ClockRule(
        row.amount,
        Days(row.days),
        row.source,
        row.warn_share,
        row.climb_hours,
        row.extend_amount,
        row.extend_times,
        Role(row.extend_by) if row.extend_by else None,
        row.pausable,
    )


def _matter(session: Session, case: Case, path: str | None) -> Matter:
    hazard_type = session.scalar(
        sa.select(Report.hazard_type)
        .join(CaseReport, CaseReport.report_id == Report.id)
        .where(CaseReport.case_id == case.id, CaseReport.left_at.is_(None))
        .order_by(Report.seq)
        .limit(1)
    )
    return Matter(path, case.kind, case.sector_no, hazard_type, case.urgent)


# ---- warn and climb


def sweep(session: Session, clock: Clock, limit: int = SWEEP_BATCH) -> int:
    """Warn of clocks that run out, and tell the next rung of those that did; how many clocks were looked at.

    Whatever was missed is caught up; what was said is a row of the same transaction, so nothing is said twice.
    """
    statement = (
        sa.select(CaseClock, Case)
        .join(Case, Case.id == CaseClock.case_id)
        .where(CaseClock.ended_at.is_(None), CaseClock.next_at <= clock.now())
        .order_by(CaseClock.next_at)
        .limit(limit)
        .with_for_update(of=CaseClock, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    found = session.execute(statement).all()
    for one, case in found:
        _speak(session, clock, case, one)
    session.flush()
    return len(found)


def _speak(session: Session, clock: Clock, case: Case, one: CaseClock) -> None:
    """Say all that is due about a clock. A rung that nobody holds is passed at once, and its row says so."""
    now, passed = clock.now(), False
    assert one.due_at is not None  # it has a next_at
    for stage in _open(session, clock, case, one):
        if stage.at > now and not passed:
            break
        told = _tell(session, clock, case, one, stage.name)
        session.add(ClockStage(clock_id=one.id, due_at=one.due_at, stage=stage.name, at=now, told=told))
        passed = not told and stage.name != WARN
    session.flush()
    _plan(session, clock, case, one)


def _tell(session: Session, clock: Clock, case: Case, one: CaseClock, stage: str) -> int:
    """A warning goes to the lowest rung that somebody holds."""
    code = "clock_warn" if stage == WARN else "clock_overdue"
    rungs = clock_rules.ladder(Term(one.name), State(case.state)) if stage == WARN else (Role(stage),)
    due = one.due_at.isoformat() if one.due_at else None
    for role in rungs:
        told = tell_people(session, clock, case, [role], code, term=one.name, due_at=due, rung=role)
        if told:
            return told
    return 0


def _open(session: Session, clock: Clock, case: Case, one: CaseClock) -> list[Stage]:
    if one.due_at is None or one.ended_at is not None or one.paused_at is not None:
        return []
    said = sa.select(ClockStage.stage).where(ClockStage.clock_id == one.id, ClockStage.due_at == one.due_at)
    done = session.scalars(said).all() if one.id else ()  # nothing of one that starts just now
    rungs = clock_rules.ladder(Term(one.name), State(case.state))
    every = clock_rules.stages(_rule(one, case), one.started_at, one.due_at, rungs)
    return clock_rules.open_stages(every, done, one.due_at, clock.now())


def _plan(session: Session, clock: Clock, case: Case, one: CaseClock) -> None:
    """Note when the sweep has to look at the clock next."""
    one.next_at = next((stage.at for stage in _open(session, clock, case, one)), None)
