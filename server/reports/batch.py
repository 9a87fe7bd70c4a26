"""One step for many cases: sign twelve transfers at once, each in the version that was read."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from server.cases.models import Case
from server.cases.rules import BY_STEP, Step, sight
from server.cases.services import facts_of, take_step
from server.core.clock import Clock
from server.core.db import Facts
from server.core.errors import Invalid, Problem
from server.identity.rules import Actor
from server.reports.queues import rows_of


def take_steps(
    session: Session, clock: Clock, actor: Actor, step: Step, seen: Sequence[Facts]
) -> list[Facts]:
    """What became of each, in their order; a refused one changes nothing and holds no other up.

    Raises Invalid for a step that needs fields: what differs from case to case is not done by the dozen.
    """
    if any(field.required for field in BY_STEP[step].fields):
        raise Invalid("cases.batch", "This step needs fields; take it case by case.")
    problems: dict[object, str | None] = {}
    # In an order that cannot dead-lock with another batch.
    for case in sorted(seen, key=lambda one: str(one["id"])):
        try:
            with session.begin_nested():
                take_step(session, clock, actor, case["id"], step, {}, case["version"])
            problems[case["id"]] = None
        except Problem as problem:
            problems[case["id"]] = problem.code
    refused = [case_id for case_id, problem in problems.items() if problem]
    shown = [
        case.id
        for case in (session.get(Case, case_id) for case_id in refused)
        if case is not None and sight(facts_of(session, case), actor) is not None
    ]
    rows = {row["id"]: row for row in rows_of(session, shown)}
    return [{"id": case["id"], "problem": problems[case["id"]], "row": rows.get(case["id"])} for case in seen]
