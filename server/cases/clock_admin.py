"""What administrators change of the clocks: the county's own rules, and the days of a year. All of it is audited."""

import uuid
from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.audit.services import record
from server.cases.clock_rules import default_rule
from server.cases.clocks import start_waiting
from server.cases.models import ClockRuleRow
from server.cases.rules import CLOCKS, URGENT_CLOCKS
from server.core.calendar import ONE_DAY, UnknownYear, day_of
from server.core.calendar_table import CalendarYear, import_calendar, keep_year, working_calendar
from server.core.clock import Clock
from server.core.db import Facts
from server.core.errors import Invalid, NotFound
from server.identity.models import Area
from server.identity.rules import Actor
from server.triage.models import Sector


def all_rules(session: Session) -> Facts:
    """The defaults of each term, and the rows that go before them (ClockRulesSchema)."""
    defaults = [
        {"term": term, "urgent": urgent, **default_rule(term, bool(urgent)).facts()}
        for term in CLOCKS
        for urgent in ((False, True) if term in URGENT_CLOCKS else (None,))
    ]
    order = (ClockRuleRow.term, ClockRuleRow.valid_from, ClockRuleRow.id)
    return {"defaults": defaults, "own": session.scalars(sa.select(ClockRuleRow).order_by(*order)).all()}


def add_rule(session: Session, clock: Clock, actor: Actor, rule: Facts) -> ClockRuleRow:
    """Add a rule of the county. Raises Invalid for an area or sector that is not there, or days out of order."""
    errors = {}
    if rule["area_id"] is not None and session.get(Area, rule["area_id"]) is None:
        errors["area_id"] = "Please choose one from the list."
    if rule["sector_no"] is not None and session.get(Sector, rule["sector_no"]) is None:
        errors["sector_no"] = "Please choose one from the list."
    if rule["valid_to"] is not None and rule["valid_to"] < rule["valid_from"]:
        errors["valid_to"] = "This is before the first day."
    if errors:
        raise Invalid("clock_rule.fields", "Some fields are wrong; see `fields`.", fields=errors)
    row = ClockRuleRow(**rule)
    session.add(row)
    session.flush()
    facts = {name: str(value) for name, value in rule.items() if value is not None}
    record(session, clock, actor, "clock_rule.add", "clock_rule", row.id, **facts)
    return row


def end_rule(session: Session, clock: Clock, actor: Actor, rule_id: uuid.UUID) -> ClockRuleRow:
    """Let a rule hold until yesterday. Raises NotFound."""
    row = session.get(ClockRuleRow, rule_id, with_for_update=True)
    if row is None:
        raise NotFound()
    row.valid_to = day_of(clock.now()) - ONE_DAY
    record(session, clock, actor, "clock_rule.end", "clock_rule", row.id, term=row.term)
    return row


def calendar_of(session: Session, year: int) -> Facts:
    """The exceptions of a year (CalendarYearSchema). Raises NotFound for one that nobody has told."""
    known = working_calendar(session)
    if year not in known.years:
        raise NotFound("calendar.unknown_year", str(UnknownYear(year, "other years")))
    own = session.get(CalendarYear, year)
    names = {day["day"]: day["name"] for day in own.days} if own else {}
    days = known.year(year).items()
    return {"days": [{"day": d, "working": w, "name": names.get(d.isoformat(), "")} for d, w in days]}


def tell_year(
    session: Session, clock: Clock, actor: Actor, year: int, days: Sequence[tuple[date, bool, str]]
) -> Facts:
    """Write a year whole, and start the clocks that waited for it. Raises Invalid."""
    if any(day.year != year for day, _, _ in days):
        raise Invalid("calendar.other_year", "All days must be of this year.")
    if not any(day == date(year, 1, 1) and not working for day, working, _ in days):
        raise Invalid("calendar.half_year", "1 January is missing: tell the whole year at once.")
    facts = [{"day": day.isoformat(), "working": working, "name": name} for day, working, name in days]
    keep_year(session, clock, year, facts)
    started = start_waiting(session, clock)
    record(
        session, clock, actor, "calendar.tell", "calendar", uuid.UUID(int=year), year=year, started=started
    )
    return calendar_of(session, year)


def tell_years(session: Session, clock: Clock, actor: Actor, table: bytes) -> None:
    """Write the years of a table (docs/import.md), and start the clocks that waited for them. Raises BadTable."""
    outcome = import_calendar(session, clock, table)
    started = start_waiting(session, clock)
    facts = {"added": outcome.added, "updated": outcome.updated, "started": started}
    record(session, clock, actor, "calendar.import", "calendar", uuid.UUID(int=0), **facts)
