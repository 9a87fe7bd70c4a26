"""Clock rules and the working calendar, as administrators see and change them."""

import uuid
from datetime import date

from flask_smorest import Blueprint

from server.cases import clock_admin, clocks
from server.cases.models import ClockRuleRow
from server.cases.rules import Term
from server.cases.schemas import (
    CalendarTableSchema,
    CalendarYearSchema,
    ClockRulesSchema,
    NewClockRuleSchema,
    OwnClockRuleSchema,
    RebaseSchema,
)
from server.core.db import Facts
from server.core.web import clock, session, whole_table
from server.identity.access import require
from server.identity.rules import Role

blueprint = Blueprint("clocks", __name__, url_prefix="/api/v1", description="Clock rules and the calendar")

READERS = (Role.ADMIN, Role.DESK, Role.LEADER)


@blueprint.get("/clock-rules")
@blueprint.response(200, ClockRulesSchema)
def get_rules() -> Facts:
    """The defaults of each term, and the county's own rules that go before them"""
    require(*READERS)
    return clock_admin.all_rules(session())


@blueprint.post("/clock-rules")
@blueprint.arguments(NewClockRuleSchema)
@blueprint.response(200, OwnClockRuleSchema)
def post_rule(rule: Facts) -> ClockRuleRow:
    """Add a rule of the county; clocks that run already keep theirs"""
    return clock_admin.add_rule(session(), clock(), require(Role.ADMIN), rule)


@blueprint.delete("/clock-rules/<uuid:rule_id>")
@blueprint.response(200, OwnClockRuleSchema)
def delete_rule(rule_id: uuid.UUID) -> ClockRuleRow:
    """Let a rule end today; it stays as what older clocks were counted by"""
    return clock_admin.end_rule(session(), clock(), require(Role.ADMIN), rule_id)


@blueprint.post("/cases/<uuid:case_id>/clocks/<any({}):term>/rebase".format(", ".join(Term)))
@blueprint.response(200, RebaseSchema)
@blueprint.alt_response(409, description="The term is not running, was extended or stands still")
def post_rebase(case_id: uuid.UUID, term: str) -> Facts:
    """Count a running term by the rule of today, from its own beginning"""
    actor = require(Role.LEADER)
    return {"due_at": clocks.rebase(session(), clock(), actor, case_id, Term(term))}


@blueprint.get("/calendar/<int:year>")
@blueprint.response(200, CalendarYearSchema)
@blueprint.alt_response(404, description="Nobody has told the working days of this year yet")
def get_year(year: int) -> Facts:
    """The days of a year that are not as their weekday says"""
    require(*READERS)
    return clock_admin.calendar_of(session(), year)


@blueprint.put("/calendar/<int:year>")
@blueprint.arguments(CalendarYearSchema)
@blueprint.response(200, CalendarYearSchema)
def put_year(told: Facts, year: int) -> Facts:
    """Tell the working days of a year; clocks that waited for it start from their true beginning"""
    actor = require(Role.ADMIN)
    days: list[tuple[date, bool, str]] = [(d["day"], d["working"], d["name"]) for d in told["days"]]
    return clock_admin.tell_year(session(), clock(), actor, year, days)


@blueprint.post("/calendar")
@blueprint.arguments(CalendarTableSchema)
@blueprint.response(204)
def post_years(given: Facts) -> None:
    """Tell whole years by a table; with one bad row nothing is kept"""
    actor = require(Role.ADMIN)
    with whole_table("calendar.rows"):
        clock_admin.tell_years(session(), clock(), actor, given["csv"].encode())
